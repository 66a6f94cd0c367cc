"""Properties of a kernel that decide on time stamps."""

from __future__ import annotations

import platform
import re
import time
from typing import Final

__all__ = ["is_ticking", "kernel_version", "tick_ms"]

_CLOCK_REALTIME_COARSE: Final = 5
#: The first one that gives a file a finer stamp than the last tick after a look at it.
_FINE: Final = (6, 13)


def tick_ms() -> int:
    """Return the milliseconds between two ticks of the clock that time stamps are taken from."""
    return round(time.clock_getres(_CLOCK_REALTIME_COARSE) * 1000)


def kernel_version() -> str:
    """Return the version; Debian's release has another number, and its build has this one."""
    debian = re.search(r"Debian (\d+\.\d+\.\d+)", platform.version())
    return debian[1] if debian else platform.release().partition("-")[0]


def is_ticking(version: str) -> bool:
    """Return whether all time stamps of a kernel are those of the last tick."""
    return tuple(int(part) for part in version.split(".")[:2]) < _FINE
