"""What the figures of a benchmark depend on; no names of machines or people."""

from __future__ import annotations

import contextlib
import os
import platform

__all__ = ["Facts", "differing", "machine"]

Facts = dict[str, str | int | float]

#: Not a matter of the machine: what else was going on there.
_PASSING = ("load",)


def machine() -> Facts:
    """Python, kernel, processor and number of cores; the load is the mean of the last minute, before."""
    return {
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    """As it calls itself; empty where it does not."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return ""


def differing(one: Facts, other: Facts) -> list[str]:
    """Facts of two machines that are not the same, each as ``name: one, other``."""
    names = [name for name in dict.fromkeys([*one, *other]) if name not in _PASSING]
    return [
        f"{name}: {one.get(name, 'not told')}, {other.get(name, 'not told')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
