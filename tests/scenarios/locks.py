"""Locks that are broken in one way each, and what makes them right."""

from __future__ import annotations

import contextlib
import os
from typing import ClassVar

from fence.locks.directory import DirectoryLock
from fence.locks.flock import FlockLock
from fence.protocol import Fence, Site

__all__ = [
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
