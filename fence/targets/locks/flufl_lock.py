"""Provide flufl.lock (on PyPI): ``Lock`` by ``link()``, with a lifetime; ``+short`` is the same with 1 s.

A lock is broken 10 s after its lifetime has passed, whether its holder lives or not. The usual lifetime is
15 s, which is longer than the scenarios wait.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

__all__ = ["KINDS", "MODULE", "REQUIRES", "VERSIONS", "make_lock"]

VERSIONS = ("10.0.0",)
KINDS = {"": "sidecar", "short": "sidecar"}
MODULE = "flufl.lock"
REQUIRES = ("atpublic==9.0.0",)

_SHORT_S = 1


def make_lock(
    module: Any, variant: str, transcript: str, timeout_s: float
) -> tuple[Any, type[Exception], type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    lifetime_s = _SHORT_S if variant == "short" else None
    lock = module.Lock(f"{transcript}.lock", lifetime_s)
    return _Flufl(lock, timeout_s), module.TimeOutError, module.NotLockedError


class _Flufl:
    """Calls its methods `lock` and `unlock`, and takes a time-out as an interval."""

    def __init__(self, lock: Any, timeout_s: float) -> None:
        self.lock = lock
        self.timeout_s = timeout_s

    def acquire(self) -> None:
        self.lock.lock(timedelta(seconds=self.timeout_s) if self.timeout_s >= 0 else None)

    def release(self) -> None:
        self.lock.unlock()
