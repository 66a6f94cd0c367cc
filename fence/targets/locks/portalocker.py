"""Provide portalocker (on PyPI): ``Lock`` by flock, and as ``+temporary`` its ``TemporaryFileLock``.

The latter unlinks its file at each release; from 4.0 on it checks whether the file still has its name.
"""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "VERSIONS", "make_lock"]

VERSIONS = ("2.10.1", "3.2.0", "4.4.2")
KINDS = {"": "flock", "temporary": "flock"}


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    make = module.TemporaryFileLock if variant == "temporary" else module.Lock
    limit_s = timeout_s if timeout_s >= 0 else 86_400.0
    lock = make(f"{transcript}.flock", timeout=limit_s, fail_when_locked=False)
    return lock, module.exceptions.LockException
