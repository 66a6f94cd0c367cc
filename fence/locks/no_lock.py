"""Stand for no lock at all: a store whose participants write when they like.

A fence that declares this kind says that nothing excludes its writers. So two of them at once are no
double hold, and a write is judged by what it does to the transcript.
"""

from __future__ import annotations

from typing import Any

from fence.errors import StaleLockError
from fence.locks.kind import LockKind
from fence.locks.lock import Lock, Options

__all__ = ["KIND", "NoLock"]


class NoLock(Lock):
    """Handle that every caller gets at once; no file is made.

    Args:
        transcript: not needed here.
        options: not needed here.
        process: not needed here.
    """

    def __init__(self, transcript: str, options: Options, process: dict[str, Any] | None = None) -> None:
        self._path = transcript
        self._held = False

    @property
    def held(self) -> bool:
        """Return whether this handle was acquired and not released."""
        return self._held

    def acquire(self) -> None:
        """Return at once."""
        assert not self._held, "a handle is not re-entrant"
        self._held = True

    def release(self) -> None:
        """Undo `acquire`."""
        if not self._held:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        self._held = False

    def release_if_held(self) -> None:
        """Undo `acquire` if it was called."""
        self._held = False


KIND = LockKind(
    "none",
    "no lock: participants write when they like",
    ".no-lock",
    "file",
    NoLock,
    (),
    excludes=False,
)
