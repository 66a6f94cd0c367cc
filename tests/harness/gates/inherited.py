"""Descriptors that a process has inherited, as /proc tells them."""

from __future__ import annotations

import os

__all__ = ["descriptors_of"]


def descriptors_of(pid: int) -> list[str]:
    """Return what a process has open, by number: a path, or ``socket``, ``pipe`` and the like."""
    folder = f"/proc/{pid}/fd"
    return [os.readlink(f"{folder}/{fd}").partition(":")[0] for fd in sorted(os.listdir(folder), key=int)]
