"""Collect the facts that the figures of a benchmark depend on; no names of machines or people."""

from __future__ import annotations

import contextlib
import os
import platform

__all__ = ["Facts", "differing", "machine"]

Facts = dict[str, str | int | float]

#: Facts about the moment, not about the machine.
_PASSING = ("load",)


def machine() -> Facts:
    """Return Python, kernel, processor, number of cores, and the mean load of the last minute."""
    return {
        "python": platform.python_version(),
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    """Return the processor's own name; empty where it gives none."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return ""


def differing(one: Facts, other: Facts) -> list[str]:
    """Return the facts that differ between two machines, each as ``name: one, other``."""
    names = [name for name in dict.fromkeys([*one, *other]) if name not in _PASSING]
    return [
        f"{name}: {one.get(name, 'unknown')}, {other.get(name, 'unknown')}"
        for name in names
        if one.get(name) != other.get(name)
    ]
