"""Provide fasteners (on PyPI): ``InterProcessLock``, a record lock on a file that stays."""

from __future__ import annotations

import functools
from typing import Any

__all__ = ["KINDS", "VERSIONS", "make_lock"]

VERSIONS = ("0.17.3", "0.18", "0.20")
KINDS = {"": "record"}


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, tuple[()]]:
    """See `fence.targets.locks.python_library`."""
    del variant
    lock = module.InterProcessLock(f"{transcript}.lockf")
    lock.acquire = functools.partial(lock.acquire, timeout=timeout_s if timeout_s >= 0 else None)
    return lock, ()
