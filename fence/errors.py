"""Define the exceptions that a fence raises.

::

    FenceError
    ├── TakeoverError      the transcript was taken over
    ├── LockTimeoutError   the write lock was not available in time
    └── StaleLockError     the write lock was lost or belongs to another handle

    AdapterError           the connection to an external fence broke;
                           says nothing about the fence itself
    ExternalError          an external fence reports that it crashed
"""

from __future__ import annotations

__all__ = [
    "AdapterError",
    "ExternalError",
    "FenceError",
    "LockTimeoutError",
    "StaleLockError",
    "TakeoverError",
]


class FenceError(Exception):
    """Base class of the exceptions that a fence raises on purpose."""


class TakeoverError(FenceError):
    """Another writer took the transcript over.

    Args:
        check: the check that failed, in a word or two.
    """

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


class LockTimeoutError(FenceError):
    """The write lock was not available in time; says nothing about the transcript."""


class StaleLockError(FenceError):
    """The write lock was lost to another owner."""


class AdapterError(Exception):
    """The adapter of an external fence hung, died or sent a line that the protocol does not define."""


class ExternalError(Exception):
    """An external fence crashed and reported it."""
