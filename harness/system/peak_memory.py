"""How much memory processes have used at most, as the kernel counts it."""

from __future__ import annotations

import os

__all__ = ["family_peak_bytes", "peak_bytes"]


def peak_bytes(pid: int | None = None) -> int:
    """The most that a process has had in memory at once; 0 where it cannot be known.

    Args:
        pid: of the process; None for this one.
    """
    try:
        with open(f"/proc/{pid or 'self'}/status", encoding="ascii", errors="replace") as file:
            # Of this program; what `getrusage` tells may be that of the one that started it.
            found = next((line for line in file if line.startswith("VmHWM:")), "")
        return int(found.split()[1]) * 1024 if found else 0
    except (OSError, ValueError, IndexError):
        return 0


def family_peak_bytes() -> int:
    """The peaks of all that descends from this process, added up; what they share is counted in each."""
    found, waiting = 0, _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        found += peak_bytes(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    # Threads have children of their own, and a worker's are few.
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found
