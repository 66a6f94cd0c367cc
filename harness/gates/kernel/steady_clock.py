"""The clocks of an adapter that only go forward: the machine's, ahead by the sleeps that took no real time.

A sleep of an adapter is virtual. Its code may measure it by CLOCK_MONOTONIC, or give up at a time of that
clock, so this goes on by each sleep, for all of the adapter's processes at once. Between two sleeps it is the
machine's, as the runtime's own waits are. A time of this clock in the argument of a wait is exchanged for
the machine's while the kernel runs that.
"""

from __future__ import annotations

import contextlib
import struct
import time

from harness.gates.kernel.tracee_memory import TraceeMemory

__all__ = ["SteadyCells", "SteadyClock"]

_CELL = struct.Struct("=Q")
#: A time that a sleep ends at was reckoned from a read of the clock that is no longer ago.
_REMEMBERED_NS = 10_000_000_000
_MS = 1_000_000


class SteadyCells:
    """The cells of one process (`adapter_vdso`).

    Args:
        memory: of the process.
        ahead_at: address of how far its clocks are ahead.
        read_at: address of what was read last.

    Both are 0 where there is no place for them.
    """

    def __init__(self, memory: TraceeMemory, ahead_at: int, read_at: int) -> None:
        self._memory = memory
        self._ahead_at = ahead_at
        self._read_at = read_at

    def of_fork(self, memory: TraceeMemory) -> SteadyCells:
        """Return those of a process that was forked from this one."""
        return SteadyCells(memory, self._ahead_at, self._read_at)

    def tell(self, ahead_ns: int) -> None:
        """Set how far the clocks are ahead; a process that is gone needs none."""
        if self._ahead_at:
            with contextlib.suppress(OSError):
                self._memory.write(self._ahead_at, _CELL.pack(ahead_ns))

    def last_read(self) -> int:
        """Return what was read last, in nanoseconds; 0 for nothing.

        Raises:
            OSError: the process is gone.
        """
        return int(_CELL.unpack(self._memory.read(self._read_at, _CELL.size))[0]) if self._read_at else 0


class SteadyClock:
    """How far these clocks are ahead in an adapter and in the processes that it starts.

    Attributes:
        ahead_ns: of the machine's, over all schedules.
    """

    def __init__(self) -> None:
        self.ahead_ns = 0
        self._asleep: dict[int, int] = {}
        self._counted_ns = 0

    def begin(self) -> None:
        """Start a schedule."""
        self._asleep.clear()
        self._counted_ns = 0

    def falls_asleep(self, tid: int, now_ns: int) -> None:
        """Note that a thread begins a sleep at a virtual time."""
        self._asleep[tid] = now_ns

    def wakes(self, tid: int, now_ns: int) -> bool:
        """Note that a sleep ends at a virtual time; return whether the clocks have to be told.

        Time in which several threads sleep counts once.
        """
        since_ns = max(self._asleep.pop(tid, now_ns), self._counted_ns)
        self._counted_ns = max(self._counted_ns, now_ns)
        self.ahead_ns += max(0, now_ns - since_ns)
        return now_ns > since_ns

    def left(self, until_ns: int, clock: int, cells: SteadyCells | None) -> int:
        """Return how long a sleep lasts that ends at a time, in nanoseconds.

        Args:
            until_ns: the time.
            clock: number of the clock.
            cells: of the process that sleeps.
        """
        now_ns = time.clock_gettime_ns(clock) + self.ahead_ns
        read_ns = 0
        if cells is not None:
            with contextlib.suppress(OSError):
                read_ns = cells.last_read()
        if 0 <= now_ns - read_ns < _REMEMBERED_NS:
            return until_ns - read_ns
        # The clock has moved between the caller's look and this one.
        return -(-(until_ns - now_ns) // _MS) * _MS
