"""Lock by a directory, as proper-lockfile of npm does.

mkdir fails on every file system if the directory exists. The directory is empty: its modification time
is the age of the lock. A lock that is older than ``lock_stale_ms`` is *reclaimed*: removed, then made
anew.

The reclaim is racy on purpose, because the released one is: between the check that found the lock stale
and the rmdir, another waiter may have reclaimed it; then a fresh lock is removed and two handles hold
it. A live holder of the released lock touches it periodically; this one does not, so ``lock_stale_ms``
has to be longer than any hold.
"""

from __future__ import annotations

import os
import time
from typing import Any

from fence.errors import StaleLockError
from fence.locks.kind import LockKind
from fence.locks.lock import Lock, Options, Patience, milliseconds

__all__ = ["KIND", "DirectoryLock"]


class DirectoryLock(Lock):
    """Handle on ``<transcript>.lock``, a directory.

    Args:
        transcript: path of the transcript.
        options: ``lock_poll_ms`` (50), ``lock_timeout_ms`` (60,000) and ``lock_stale_ms`` (10,000).
        process: not needed here.
    """

    def __init__(self, transcript: str, options: Options, process: dict[str, Any] | None = None) -> None:
        self._path = f"{transcript}.lock"
        self._patience = Patience(self._path, options, timeout_ms=60_000)
        self._stale_ms = milliseconds(options, "lock_stale_ms", 10_000)
        self._mine: tuple[int, int] | None = None

    @property
    def held(self) -> bool:
        """Return whether this handle made the lock and has not released it; it may have been reclaimed."""
        return self._mine is not None

    def acquire(self) -> None:
        """Take the lock; a stale one is reclaimed on the way."""
        assert not self.held, "a handle is not re-entrant"
        self._patience.begin()
        while not self._make():
            if not self._reclaim():
                self._patience.wait()

    def release(self) -> None:
        """Remove the directory if it still belongs to this handle."""
        if self._mine is None:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        mine, self._mine = self._mine, None
        if self._identity() != mine:
            raise StaleLockError(f"{self._path}: reclaimed by somebody else while it was held here")
        self._remove()

    def release_if_held(self) -> None:
        """Remove the directory if it is held and still belongs to this handle."""
        if self.held:
            try:
                self.release()
            except StaleLockError:
                return

    def _make(self) -> bool:
        try:
            os.mkdir(self._path, 0o700)
        except FileExistsError:
            return False
        self._mine = self._identity()
        return self._mine is not None

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns

    def _reclaim(self) -> bool:
        """Remove the directory if it is stale; also return True if it no longer exists."""
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            return True
        if time.time() * 1000 - status.st_mtime_ns / 1e6 < self._stale_ms:
            return False
        self._remove()
        return True

    def _remove(self) -> None:
        try:
            os.rmdir(self._path)
        except FileNotFoundError:
            return


KIND = LockKind(
    "mkdir",
    "a directory made by mkdir(2); an old one is reclaimed (proper-lockfile)",
    ".lock",
    "directory",
    DirectoryLock,
    ("lock_poll_ms", "lock_stale_ms", "lock_timeout_ms"),
)
