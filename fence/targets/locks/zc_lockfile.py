"""Provide zc.lockfile (on PyPI): ``LockFile``, an flock on a file that stays.

It does not wait: its constructor takes the lock or raises. A caller that waits tries again, as here.
"""

from __future__ import annotations

import time
from typing import Any

__all__ = ["KINDS", "MODULE", "VERSIONS", "make_lock"]

VERSIONS = ("4.0",)
KINDS = {"": "flock"}
MODULE = "zc.lockfile"

_POLL_S = 0.05


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    del variant
    return _Polled(module, f"{transcript}.flock", timeout_s), module.LockError


class _Polled:
    """Makes the library's lock until it can be had."""

    def __init__(self, module: Any, path: str, timeout_s: float) -> None:
        self.module = module
        self.path = path
        self.timeout_s = timeout_s if timeout_s >= 0 else 86_400.0
        self.lock: Any = None

    def acquire(self) -> None:
        until_s = time.monotonic() + self.timeout_s
        while True:
            try:
                self.lock = self.module.LockFile(self.path)
            except self.module.LockError:
                if time.monotonic() >= until_s:
                    raise
                time.sleep(_POLL_S)
            else:
                return

    def release(self) -> None:
        self.lock.close()
