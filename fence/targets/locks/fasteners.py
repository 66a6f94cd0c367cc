"""Provide fasteners (on PyPI): ``InterProcessLock``, a record lock on a file that stays."""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "VERSIONS", "GivenUp", "make_lock"]

VERSIONS = ("0.17.3", "0.18", "0.20")
KINDS = {"": "record"}


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    del variant
    return _Fasteners(module.InterProcessLock(f"{transcript}.lockf"), timeout_s), GivenUp


class GivenUp(Exception):
    """The library could not get the lock in time."""


class _Fasteners:
    """Says by its result whether it has the lock."""

    def __init__(self, lock: Any, timeout_s: float) -> None:
        self.lock = lock
        self.timeout_s = timeout_s if timeout_s >= 0 else None

    def acquire(self) -> None:
        if not self.lock.acquire(timeout=self.timeout_s):
            raise GivenUp("acquire returned False")

    def release(self) -> None:
        self.lock.release()
