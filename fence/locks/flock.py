"""A lock by flock(2) on a file that is never replaced.

The file stays where it is for good: a program that unlinks or replaces a locked
file hands the next comer a lock of its own. The kernel lets the lock go when its
holder dies, so it is never stale, and no waiter can rob it. The lock belongs to the
open file description, so two handles of one process exclude each other; a child
forked while it is held keeps it until it closes its copy.
"""

from __future__ import annotations

import fcntl
import os
from typing import Any

from fence.errors import StaleLockError
from fence.locks.kind import LockKind
from fence.locks.lock import Lock, Options, Patience

__all__ = ["KIND", "FlockLock"]


class FlockLock(Lock):
    """Handle on ``<transcript>.flock``.

    Args:
        transcript: path of the transcript.
        options: ``lock_timeout_ms`` (absent: wait in the kernel, for ever) and
            ``lock_poll_ms`` (50).
        process: not needed here.
    """

    def __init__(self, transcript: str, options: Options, process: dict[str, Any] | None = None) -> None:
        self._path = f"{transcript}.flock"
        self._polled = "lock_timeout_ms" in options
        self._patience = Patience(self._path, options, timeout_ms=0)
        self._fd = -1

    @property
    def held(self) -> bool:
        """Whether this handle holds the lock."""
        return self._fd >= 0

    def acquire(self) -> None:
        """Take the lock; the kernel queues the waiters unless a time-out was asked for."""
        assert not self.held, "a handle is not re-entrant"
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if self._polled:
                self._poll(fd)
            else:
                fcntl.flock(fd, fcntl.LOCK_EX)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd

    def release(self) -> None:
        """Let the lock go by closing the file; it cannot have been lost while it was held."""
        if not self.held:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        fd, self._fd = self._fd, -1
        os.close(fd)

    def release_if_held(self) -> None:
        """Let the lock go where it is held."""
        if self.held:
            self.release()

    def _poll(self, fd: int) -> None:
        self._patience.begin()
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                pass
            self._patience.wait()


KIND = LockKind(
    "flock",
    "flock(2) on a file that stays; the kernel lets it go when its holder dies",
    ".flock",
    "flock",
    FlockLock,
    ("lock_poll_ms", "lock_timeout_ms"),
)
