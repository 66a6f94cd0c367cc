"""Make the directory that holds a run's session directories, and remove it when the run ends.

A separate process, outside the harness's process group, makes the directory and waits for its
standard input to end. That happens when the harness is done, and also when it was killed: then the
janitor kills the processes that still work there and removes the directory. Run as a script, it
uses the standard library alone, to start fast.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

__all__ = ["MARK", "SessionRoot", "in_memory", "place", "remove_tree", "session_parent", "shortage"]

#: Environment variable that identifies every process that works under a root.
MARK = "HARNESS_SESSION_ROOT"

_MEMORY = "/dev/shm"
_MIB = 1 << 20
#: With less, a fence's failure cannot be told from a full disk. Each session takes a few of them.
_FREE_BYTES_MIN = 32 * _MIB
_FREE_FILES_MIN = 500

_CLEAR_S = 5.0
_PAUSE_S = 0.02


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
            UsageError: no directory can be made there.
        """
        parent = os.path.realpath(session_parent(self._parent))
        short = shortage(parent) if os.path.isdir(parent) else ""
        if short:
            from harness.model.errors import UsageError

            raise UsageError(f"{parent}: {short}; free some space there or give another --session-root")
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", "-S", os.path.abspath(__file__), parent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert self._janitor.stdout is not None
        with self._janitor.stdout as answer:
            word, _, rest = os.fsdecode(answer.read()).partition(" ")
        if word != "made":
            from harness.model.errors import UsageError

            self._end_janitor()
            reason = rest or "the janitor did not start"
            raise UsageError(
                f"{parent}: no session directory can be made: {reason}; give another --session-root"
            )
        self.path = rest
        return rest

    def __exit__(self, *_: object) -> None:
        self._end_janitor()
        if os.path.lexists(self.path):
            # The janitor was killed, or it ran out of time.
            _clear(self.path)

    def _end_janitor(self) -> None:
        assert self._janitor.stdin is not None
        self._janitor.stdin.close()
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


def remove_tree(path: str) -> None:
    """Remove a directory with all its contents, including directories that were made unreadable."""
    shutil.rmtree(path, ignore_errors=True)
    if not os.path.lexists(path):
        return
    with contextlib.suppress(OSError):
        os.chmod(path, 0o700)
        for folder, names, _ in os.walk(path):
            for name in names:
                inside = os.path.join(folder, name)
                if not os.path.islink(inside):
                    os.chmod(inside, 0o700)
    shutil.rmtree(path, ignore_errors=True)


def _clear(root: str) -> None:
    """Kill the processes that work under `root` and remove it, until neither is left."""
    deadline = time.monotonic() + _CLEAR_S
    while time.monotonic() < deadline:
        processes = _processes_in(root)
        for pid in processes:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        remove_tree(root)
        if not processes and not os.path.lexists(root):
            return
        time.sleep(_PAUSE_S)


def _processes_in(root: str) -> list[int]:
    """Return the processes that carry the mark or whose working directory is in `root`."""
    mark = os.fsencode(f"{MARK}={root}")
    pids = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            where = os.readlink(f"/proc/{name}/cwd").removesuffix(" (deleted)")
            if where == root or where.startswith(root + "/"):
                pids.append(int(name))
                continue
            with open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    pids.append(int(name))
    return pids


def _watch(parent: str) -> None:
    """Make the directory, print its path, wait for the end of the harness, and remove it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        root = tempfile.mkdtemp(prefix="harness-", dir=parent)
    except OSError as error:
        os.write(1, f"not {error.strerror}".encode())
        return
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"made " + os.fsencode(root))
    os.close(1)
    while os.read(0, 4096):
        pass
    _clear(root)


if __name__ == "__main__":
    _watch(sys.argv[1])
