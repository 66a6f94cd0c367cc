"""Lock by fcntl(2), a *record lock*, as lockf and fasteners do.

The lock belongs to the process: the kernel releases it when its holder dies, and also when the process
closes any descriptor of the file. It does not exclude other handles of the same process, so the handles
first exclude each other in memory and only then open the file.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any

from fence.errors import StaleLockError
from fence.locks.kind import LockKind
from fence.locks.lock import Lock, Options, Patience

__all__ = ["KIND", "RecordLock"]


class RecordLock(Lock):
    """Handle on ``<transcript>.lockf``.

    Args:
        transcript: path of the transcript.
        options: ``lock_poll_ms`` (50) and ``lock_timeout_ms`` (60,000).
        process: shared by all handles of this process; without it they do not exclude each other.
    """

    def __init__(self, transcript: str, options: Options, process: dict[str, Any] | None = None) -> None:
        self._path = f"{transcript}.lockf"
        self._patience = Patience(self._path, options, timeout_ms=60_000)
        self._taken: set[str] = set() if process is None else process.setdefault("record.taken", set())
        self._fd = -1

    @property
    def held(self) -> bool:
        """Return whether this handle holds the lock."""
        return self._fd >= 0

    def acquire(self) -> None:
        """Take the lock, first from the handles of this process, then from others."""
        assert not self.held, "a handle is not re-entrant"
        self._patience.begin()
        while self._path in self._taken:
            self._patience.wait()
        self._taken.add(self._path)
        fd = -1
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            while not _try(fd):
                self._patience.wait()
        except BaseException:
            if fd >= 0:
                os.close(fd)
            self._taken.discard(self._path)
            raise
        self._fd = fd

    def release(self) -> None:
        """Release the lock by closing the file; it cannot have been lost while it was held."""
        if not self.held:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        fd, self._fd = self._fd, -1
        os.close(fd)
        self._taken.discard(self._path)

    def release_if_held(self) -> None:
        """Release the lock if it is held."""
        if self.held:
            self.release()


def _try(fd: int) -> bool:
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


KIND = LockKind(
    "record",
    "a record lock, fcntl(2), on a file that stays; it belongs to the process (lockf, fasteners)",
    ".lockf",
    "record",
    RecordLock,
    ("lock_poll_ms", "lock_timeout_ms"),
)
