"""The exceptions by which a fence speaks.

::

    FenceError
    ├── TakeoverError      the transcript was taken over
    ├── LockTimeoutError   the write lock could not be had in time
    └── StaleLockError     the write lock was lost or is somebody else's

    AdapterError           what stands between us and an external fence broke:
                           no word about the fence itself
    ExternalError          an external fence says that it crashed
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
    """Root of what a fence raises on purpose."""


class TakeoverError(FenceError):
    """Somebody took the transcript over.

    Args:
        check: the check that tripped, in a word or two.
    """

    def __init__(self, check: str) -> None:
        super().__init__(check)
        self.check = check


class LockTimeoutError(FenceError):
    """The write lock could not be had in time; says nothing about the transcript."""


class StaleLockError(FenceError):
    """The write lock was lost to somebody else."""


class AdapterError(Exception):
    """The adapter of an external fence hung, died or said what the protocol does not have."""


class ExternalError(Exception):
    """An external fence crashed and could say so."""
