"""Locks that are broken in one way each, and the same locks made right."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import ClassVar

from fence.errors import LockTimeoutError
from fence.locks.directory import DirectoryLock
from fence.locks.flock import FlockLock
from fence.protocol import Fence, Site

__all__ = [
    "AsksAndGivesUp",
    "AsksAndGoesOn",
    "AsksForEver",
    "CheckedDirectory",
    "ClosedThenUnlinked",
    "Directory",
    "Unlinked",
    "UnlinkedThenClosed",
    "Verified",
]


class Unlinked(Fence):
    """Base: a flock whose file goes with it."""

    lock_kind: ClassVar[str] = "flock"
    kind: ClassVar[type[FlockLock]] = FlockLock

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = self.kind(site.transcript, {**site.options, "lock_timeout_ms": 60_000})


class _ClosedThenUnlinked(FlockLock):
    def release(self) -> None:
        super().release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


class ClosedThenUnlinked(Unlinked):
    """Lets the lock go and unlinks the file after that: by then it may be another's."""

    kind = _ClosedThenUnlinked


class _UnlinkedThenClosed(FlockLock):
    def release(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        super().release()


class UnlinkedThenClosed(Unlinked):
    """Unlink the file while it has the lock; a waiting lane gets a lock that keeps no other out."""

    kind = _UnlinkedThenClosed


class _Verified(_UnlinkedThenClosed):
    def acquire(self) -> None:
        while True:
            super().acquire()
            if os.fstat(self._fd).st_nlink:
                return
            FlockLock.release(self)


class Verified(Unlinked):
    """The same, but a lane that got a lock checks that the file still has a name, or starts again."""

    kind = _Verified


class Directory(Fence):
    """The directory lock, whose reclaim two can do at once."""

    lock_kind: ClassVar[str] = "mkdir"


class _Checked(DirectoryLock):
    def _reclaim(self) -> bool:
        return False


class CheckedDirectory(Fence):
    """The same without a reclaim."""

    lock_kind: ClassVar[str] = "mkdir"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Checked(site.transcript, site.options)


class _Asking(FlockLock):
    """Asks for the flock without waiting, and looks at the file between; does not give up."""

    attempts_max: ClassVar[int] = 0

    def acquire(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        tried = 0
        while not self._had(fd):
            tried += 1
            if tried == self.attempts_max:
                self._give_up(fd)
                break
            os.path.exists(self._path)
        self._fd = fd

    def _had(self, fd: int) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

    def _give_up(self, fd: int) -> None:
        os.close(fd)
        raise LockTimeoutError(f"{self._path}: held by another after {self.attempts_max} attempts")


class AsksForEver(Unlinked):
    """A spin lock over flock: sound as long as each holder lets go, a dead end otherwise."""

    kind = _Asking


class _Bounded(_Asking):
    attempts_max = 30


class AsksAndGivesUp(Unlinked):
    """The same with a bound on the attempts."""

    kind = _Bounded


class _GoesOn(_Asking):
    attempts_max = 10

    def _give_up(self, fd: int) -> None:
        """Take the holder for a dead one."""


class AsksAndGoesOn(Unlinked):
    """Goes on without the lock after some attempts."""

    kind = _GoesOn
