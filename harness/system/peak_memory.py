"""Measure the peak memory of processes, as the kernel counts it."""

from __future__ import annotations

import os

__all__ = ["family_peak_bytes", "peak_bytes"]


def peak_bytes(pid: int | None = None) -> int:
    """Return the peak resident memory of a process; 0 where it is unknown.

    Args:
        pid: id of the process; None for this one.
    """
    try:
        with open(f"/proc/{pid or 'self'}/status", encoding="ascii", errors="replace") as file:
            # VmHWM is of this program alone; `getrusage` may report the peak of its parent before exec.
            found = next((line for line in file if line.startswith("VmHWM:")), "")
        return int(found.split()[1]) * 1024 if found else 0
    except (OSError, ValueError, IndexError):
        return 0


def family_peak_bytes() -> int:
    """Return the sum of the peaks of all descendants of this process; shared pages count in each."""
    found, waiting = 0, _children(os.getpid())
    while waiting:
        pid = waiting.pop()
        found += peak_bytes(pid)
        waiting += _children(pid)
    return found


def _children(pid: int) -> list[int]:
    # Each thread has its own list of children, and a worker has few of them.
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        return found
    return found
