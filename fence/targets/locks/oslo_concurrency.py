"""Provide oslo.concurrency (on PyPI): ``external_lock``, the record lock of fasteners in a lock directory.

What it imports besides is pinned. The record lock is thus that of fasteners 0.20, whatever the version.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["KINDS", "MODULE", "REQUIRES", "VERSIONS", "GivenUp", "make_lock"]

VERSIONS = ("7.6.1",)
KINDS = {"": "record"}
MODULE = "oslo_concurrency.lockutils"
REQUIRES = (
    "oslo.config==10.7.0",
    "oslo.utils==10.2.0",
    "oslo.i18n==6.9.0",
    "fasteners==0.20",
    "debtcollector==3.1.0",
    "wrapt==2.5.2",
    "netaddr==1.3.0",
    "rfc3986==2.0.0",
    "idna==3.20",
    "stevedore==5.10.0",
    "iso8601==2.1.0",
)


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    del variant
    folder, name = os.path.split(transcript)
    return _External(module.external_lock(f"{name}.lockf", lock_path=folder), timeout_s), GivenUp


class GivenUp(Exception):
    """The library could not get the lock in time."""


class _External:
    """Says by its result whether it has the lock."""

    def __init__(self, lock: Any, timeout_s: float) -> None:
        self.lock = lock
        self.timeout_s = timeout_s if timeout_s >= 0 else None

    def acquire(self) -> None:
        if not self.lock.acquire(timeout=self.timeout_s):
            raise GivenUp("acquire returned False")

    def release(self) -> None:
        self.lock.release()
