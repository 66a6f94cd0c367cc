"""Descriptors that a process inherits."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

__all__ = ["close_all_but"]

_OPEN = "/dev/fd"


def close_all_but(kept: Collection[int]) -> None:
    """Close each descriptor of this process that is not to be kept.

    Args:
        kept: descriptors.
    """
    # The descriptor of the listing itself is among those listed, and closed by then.
    for name in os.listdir(_OPEN):
        fd = int(name)
        if fd not in kept:
            with contextlib.suppress(OSError):
                os.close(fd)
