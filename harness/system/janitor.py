"""Make the directory that holds a run's session directories, and remove it when the run ends.

A separate process, outside the harness's process group, makes the directory and waits for its
standard input to end. That happens when the harness is done, and also when it was killed: then the
janitor kills the processes that belong to the directory and removes it. It also removes directories of
which harness and janitor were killed together, see `harness.system.session_roots`. Run as a script, it
uses the standard library alone, to start fast.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

if __name__ == "__main__":
    # Run as a script: -I leaves the folder of the package out.
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from harness.system.machine_limits import starting, too_small
from harness.system.session_roots import MARK, Root, make, stale
from harness.system.tree_removal import identity_of

__all__ = ["MARK", "SessionRoot", "clean", "in_memory", "place", "session_parent", "shortage"]

_MEMORY = "/dev/shm"
_MIB = 1 << 20
#: With less, a fence's failure cannot be told from a full disk. Each session takes a few of them.
_FREE_BYTES_MIN = 32 * _MIB
_FREE_FILES_MIN = 500

_ANSWER_BYTES = 1 << 16
_STARTS_MAX = 3
_CLEAR_S = 5.0
#: For a root that another run has left behind.
_STALE_S = 1.0


class SessionRoot:
    """A fresh directory and the janitor that removes it. Use as a context manager.

    Args:
        parent: directory to make it in; None for the system's temporary directory (TMPDIR).
    """

    def __init__(self, parent: str | None = None) -> None:
        self._parent = parent
        self.path = ""

    def __enter__(self) -> str:
        """Make the directory and return its path.

        Raises:
            UsageError: no directory can be made there, or a limit of the machine is too small.
            Shortage: the janitor cannot be started.
        """
        small = too_small()
        if small:
            from harness.model.errors import UsageError

            raise UsageError(small)
        parent = os.path.realpath(session_parent(self._parent))
        short = shortage(parent) if os.path.isdir(parent) else ""
        if short:
            from harness.model.errors import UsageError

            raise UsageError(f"{parent}: {short}; free some space there or give another --session-root")
        for _ in range(_STARTS_MAX):
            self._start_janitor(parent)
            word, rest, lock = self._answer()
            if word:
                break
            # Another program has killed it; the next one removes what it has made.
            self._end_janitor()
        if word != "made":
            from harness.model.errors import UsageError

            if word:
                self._end_janitor()
            reason = rest or "the janitor did not start"
            raise UsageError(
                f"{parent}: no session directory can be made: {reason}; give another --session-root"
            )
        self.path = rest
        self._root = Root(rest, lock, identity_of(rest))
        return rest

    def _start_janitor(self, parent: str) -> None:
        self._janitor_end, theirs = socket.socketpair()
        with theirs, starting("the process that removes session directories"):
            self._janitor = subprocess.Popen(
                [sys.executable, "-I", "-S", os.path.abspath(__file__), parent],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    def _answer(self) -> tuple[str, str, int]:
        """Return the janitor's word, the path or the reason, and the lock of the root; -1 for none."""
        with contextlib.suppress(OSError):
            answer, locks, _, _ = socket.recv_fds(self._janitor_end, _ANSWER_BYTES, 1)
            word, _, rest = os.fsdecode(answer).partition(" ")
            return word, rest, locks[0] if locks else -1
        return "", "", -1

    def __exit__(self, *_: object) -> None:
        self._end_janitor()
        if os.path.lexists(self.path) or os.path.lexists(self._root.lock_path):
            # The janitor was killed, or it ran out of time.
            self._root.clear(_CLEAR_S)
        self._root.close()

    def _end_janitor(self) -> None:
        self._janitor_end.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._janitor.wait(2 * _CLEAR_S)


def in_memory() -> str:
    """Return a directory of a file system in memory with room for sessions; empty if there is none."""
    if "TMPDIR" in os.environ or not os.path.ismount(_MEMORY) or not os.access(_MEMORY, os.W_OK | os.X_OK):
        # A user that sets the place of temporary files means these too.
        return ""
    return "" if shortage(_MEMORY) else _MEMORY


def place(asked: str | None, real: bool) -> str:
    """Return the directory to make session directories in.

    Args:
        asked: the user's choice, which always wins.
        real: whether inode numbers and time stamps will be those of the file system; if
            not, the fastest file system is chosen.
    """
    return asked or ("" if real else in_memory()) or session_parent(None)


def session_parent(wanted: str | None) -> str:
    """Return the directory for session directories, without a preference for speed.

    The standard library would silently skip a full or missing TMPDIR and fall back to the
    user's own directory.

    Args:
        wanted: the user's choice; None for the system's temporary directory.
    """
    return wanted or os.environ.get("TMPDIR") or "/tmp"


def shortage(directory: str) -> str:
    """Return what the file system of session directories lacks; empty when it has enough room.

    A lane that fails for lack of space would look like a faulty fence.
    """
    try:
        status = os.statvfs(directory)
    except OSError as error:
        return f"cannot be examined: {error.strerror}"
    free = status.f_bavail * status.f_frsize
    if free < _FREE_BYTES_MIN:
        return f"{free // 1024} kB free, sessions need at least {_FREE_BYTES_MIN // _MIB} MB"
    # A file system without a fixed number of files reports 0 of 0.
    if status.f_files and status.f_favail < _FREE_FILES_MIN:
        return f"room for {status.f_favail} more files, sessions need at least {_FREE_FILES_MIN}"
    return ""


def clean(asked: str | None = None) -> tuple[list[str], list[str]]:
    """Remove the session roots whose harness and janitor are gone.

    Args:
        asked: a directory to look in; None for those in which roots are made by default.

    Returns:
        Paths of those that were removed, and of those of which something is left.
    """
    removed: list[str] = []
    left: list[str] = []
    for parent in _places(asked):
        for root in stale(parent):
            (removed if root.clear(_STALE_S) else left).append(root.path)
    return removed, left


def _places(asked: str | None) -> list[str]:
    """Return the directories to look for roots in, each once."""
    memory = [] if "TMPDIR" in os.environ else [_MEMORY]
    places = [asked] if asked else [session_parent(None), *memory]
    return list(dict.fromkeys(os.path.realpath(place) for place in places))


def _watch(parent: str) -> None:
    """Make the root, hand its lock to the harness, wait for the end of the harness, and remove the root."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=0) as harness:
        try:
            root = make(parent)
        except OSError as error:
            harness.send(f"not {error.strerror}".encode())
            return
        with contextlib.suppress(OSError):
            socket.send_fds(harness, [b"made " + os.fsencode(root.path)], [root.lock])
            # While the harness is at work, and nothing waits for this.
            clean(parent)
            clean()
        with contextlib.suppress(OSError):
            while harness.recv(4096):
                pass
    root.clear(_CLEAR_S)


if __name__ == "__main__":
    _watch(sys.argv[1])
