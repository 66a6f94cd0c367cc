"""Provide filelock (on PyPI): ``FileLock`` by flock, and as ``+soft`` its ``SoftFileLock`` by O_EXCL.

From 3.24 on ``SoftFileLock`` breaks the lock of a dead holder; from 3.21 to 3.28 ``FileLock`` unlinks its
file at each release, as 3.0.0 did, but checks whether the file still has a name.
"""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "VERSIONS", "make_lock"]

VERSIONS = ("3.0.0", "3.12.0", "3.20.3", "3.21.0", "3.25.2", "3.29.7", "3.32.7", "4.2.12", "4.3.1")
KINDS = {"": "flock", "soft": "sidecar"}


def make_lock(module: Any, variant: str, transcript: str, timeout_s: float) -> tuple[Any, type[Exception]]:
    """See `fence.targets.locks.python_library`."""
    path = transcript + (".lock" if variant == "soft" else ".flock")
    make = module.SoftFileLock if variant == "soft" else module.FileLock
    return make(path, timeout=timeout_s), module.Timeout
