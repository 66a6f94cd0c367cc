"""Directories that hold a run's session directories: made with a proof of whose they are, and removed by it.

Beside each of them lies its lock file, ``NAME.lock``. It is made first and names the directory by
device and inode. The janitor and the harness share one open file description that holds its flock, so
the lock is free when both are gone, however that came about, and only then. Process ids, which are
used again, prove nothing.

The janitor runs this module without the rest of the harness; it needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import stat
import time
from collections.abc import Iterator

from harness.system.tree_removal import Identity, identity_of, remove_tree

__all__ = ["MARK", "Root", "kill_processes", "make", "stale"]

#: Environment variable that identifies every process that works under a root; its value is the root.
MARK = "HARNESS_SESSION_ROOT"

_NAME = re.compile(r"harness-[0-9a-f]{16}\.lock")
_LOCK = ".lock"
_MAGIC = b"takeover-harness: the lock of a session root\n"
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TRIES = 100
_PAUSE_S = 0.02
#: Of the fields of /proc/PID/stat behind the name; states of a process that is over.
_BIRTH_AT, _ENDED = 19, ("Z", "X")


class Root:
    """A session root whose lock this process has.

    Args:
        path: of the directory; there may be none yet, or any more.
        lock: descriptor of the lock file.
        identity: of the directory; None if none was ever made.
    """

    def __init__(self, path: str, lock: int, identity: Identity | None) -> None:
        self.path = path
        self.lock = lock
        self._identity = identity

    @property
    def lock_path(self) -> str:
        """Path of its lock file."""
        return self.path + _LOCK

    def clear(self, patience_s: float) -> bool:
        """Kill the processes that belong to the root and remove it; return whether neither is left.

        Args:
            patience_s: how long to try.
        """
        deadline = time.monotonic() + patience_s
        while True:
            # A killed process takes a moment to go, and may write until then.
            killed = kill_processes(self.path)
            gone = self._remove()
            if (gone and not killed) or time.monotonic() >= deadline:
                break
            time.sleep(_PAUSE_S)
        if gone:
            with contextlib.suppress(OSError):
                os.unlink(self.lock_path)
        return gone

    def _remove(self) -> bool:
        if self._identity is None:
            # Made, and not noted before the end: then there is nothing in it.
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
            return not os.path.lexists(self.path)
        if identity_of(self.path) != self._identity:
            # Another one by now, which is not ours to remove.
            return not os.path.lexists(self.path)
        return remove_tree(self.path, self._identity)

    def close(self) -> None:
        """Let the lock go, as far as this process has it."""
        os.close(self.lock)


def make(parent: str) -> Root:
    """Make a root and take its lock.

    Args:
        parent: directory to make it in.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_TRIES):
        path = os.path.join(parent, f"harness-{os.urandom(8).hex()}")
        lock = os.open(path + _LOCK, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        if not _locked(lock) or not _is_named(lock, path + _LOCK):
            # Another janitor has taken it for left behind, in the moment before the lock.
            os.close(lock)
            continue
        try:
            os.write(lock, _MAGIC)
            os.mkdir(path, 0o700)
            identity = identity_of(path)
            assert identity is not None
            os.write(lock, b"%d %d\n" % identity)
        except OSError:
            Root(path, lock, None).clear(0)
            os.close(lock)
            raise
        return Root(path, lock, identity)
    raise FileExistsError(f"no free name in {parent}")


def stale(parent: str) -> Iterator[Root]:
    """Yield the roots of this user in a directory whose owner is gone, each locked while it is yielded."""
    try:
        names = sorted(filter(_NAME.fullmatch, os.listdir(parent)))
    except OSError:
        return
    for name in names:
        where = os.path.join(parent, name)
        try:
            lock = os.open(where, _FLAGS)
        except OSError:
            continue
        try:
            with contextlib.suppress(OSError, ValueError):
                identity = _read(lock)
                if _locked(lock, made=False) and _is_named(lock, where):
                    yield Root(where.removesuffix(_LOCK), lock, identity)
        finally:
            os.close(lock)


def _read(lock: int) -> Identity | None:
    """Return the identity that a lock file names; None if it names none.

    Raises:
        OSError: it is no lock file of this user.
        ValueError: the same.
    """
    status = os.fstat(lock)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise OSError("not a file of this user")
    magic, line, rest = os.pread(lock, 256, 0).partition(_MAGIC)
    if magic or not line:
        raise ValueError("not a lock file")
    device, inode = map(int, rest.split()) if rest else (0, 0)
    return Identity(device, inode) if rest else None


def _locked(lock: int, made: bool = True) -> bool:
    """Take a lock; return whether it was free.

    Args:
        lock: descriptor.
        made: it was made just now; on a file system without locks it counts as taken, and others leave
            it alone.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return made
    return True


def _is_named(lock: int, path: str) -> bool:
    """Return whether a path is still that of an open file."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.fstat(lock), os.lstat(path))
    return False


# Processes


def kill_processes(root: str) -> int:
    """Kill the processes that provably belong to a root; return how many there were.

    Those carry the mark with the root's path, or descend from one that does. So does a process with another
    environment that works in the root and is under more seccomp filters than this one: a lane of ours.
    A user's shell that stands there is left alone.
    """
    births = {pid: _birth_of(pid) for pid in _pids() if pid != os.getpid()}
    found = [pid for pid in births if _is_marked(pid, root)]
    children: dict[int, list[int]] = {}
    for pid in births:
        children.setdefault(_parent_of(pid), []).append(pid)
    waiting = list(found)
    while waiting:
        new = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found += new
        waiting += new
    filters = _filters_of(os.getpid())
    found += [
        pid for pid in births if pid not in found and _works_in(pid, root) and _filters_of(pid) > filters
    ]
    return sum(_kill(pid, births[pid]) for pid in found)


def _kill(pid: int, birth: str) -> bool:
    """Kill a process unless it has ended already; return whether it was still there.

    Args:
        pid: its id, which may be another one's by now.
        birth: when it was started.
    """
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            if not birth or _birth_of(pid) != birth or _state_of(pid) in _ENDED:
                return False
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            return True
        finally:
            os.close(pidfd)
    return False


def _pids() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _is_marked(pid: int, root: str) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return os.fsencode(f"{MARK}={root}") in file.read().split(b"\0")
    return False


def _works_in(pid: int, root: str) -> bool:
    with contextlib.suppress(OSError):
        where = os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
        return where == root or where.startswith(root + "/")
    return False


def _fields_of(pid: int) -> list[str]:
    """Return the fields of a process's ``stat`` behind its name, empty when it is gone."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="latin-1") as file:
        return file.read().rpartition(")")[2].split()
    return []


def _state_of(pid: int) -> str:
    return (_fields_of(pid) or ["X"])[0]


def _birth_of(pid: int) -> str:
    """Return when a process was started, in ticks since the machine was; empty when it is gone."""
    fields = _fields_of(pid)
    return fields[_BIRTH_AT] if len(fields) > _BIRTH_AT else ""


def _parent_of(pid: int) -> int:
    fields = _fields_of(pid)
    return int(fields[1]) if len(fields) > 1 else 0


def _filters_of(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/status", encoding="latin-1") as file:
        for line in file:
            if line.startswith("Seccomp_filters:"):
                return int(line.split()[1])
    return 0
