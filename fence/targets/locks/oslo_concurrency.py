"""Provide oslo.concurrency (on PyPI): ``external_lock``, the record lock of fasteners in a lock directory.

Its other imports are pinned. So each version has the record lock of fasteners 0.20.
"""

from __future__ import annotations

import functools
import os
from typing import Any

__all__ = ["KINDS", "MODULE", "REQUIRES", "VERSIONS", "make_lock"]

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


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, tuple[()]]:
    """See `fence.targets.locks.python_library`."""
    del variant
    folder, name = os.path.split(transcript)
    lock = module.external_lock(f"{name}.lockf", lock_path=folder)
    lock.acquire = functools.partial(lock.acquire, timeout=timeout_s if timeout_s >= 0 else None)
    return lock, ()
