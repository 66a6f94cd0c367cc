"""Samples in turns with the reference, and the processor time that both take.

Time is that of the processor, summed over every process that takes part: on a loaded machine the clock on the
wall tells how the kernel deals its cores out. Who waits without using a processor takes no time by this
measure; the time on the clock is stored beside it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeVar

import psutil

__all__ = ["WARM_UPS", "Spent", "Stopwatch", "descendants", "in_turns"]

#: Samples that are thrown away: caches fill, modules are imported, calls are seen for the first time.
WARM_UPS = 2

_T = TypeVar("_T")


class Spent(NamedTuple):
    """Time that something took, nanoseconds.

    Args:
        cpu_ns: of the processor.
        wall_ns: on the clock.
    """

    cpu_ns: int
    wall_ns: int


class Stopwatch:
    """Measures the time of a block, of this process, its children that ended, and others.

    Args:
        others: process ids of those; asked at the begin and at the end.
    """

    def __init__(self, others: Callable[[], Iterable[int]]) -> None:
        self._others = others
        self.spent = Spent(0, 0)

    def __enter__(self) -> Self:
        others = list(self._others())
        self._cpu_ns, self._wall_ns = _used_ns(others), time.perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now = time.perf_counter_ns()
        self.spent = Spent(_used_ns(self._others()) - self._cpu_ns, now - self._wall_ns)


def _used_ns(others: Iterable[int]) -> int:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = time.process_time_ns() + round((ended.ru_utime + ended.ru_stime) * 1e9)
    for pid in others:
        # One that has just ended and been waited for is among the children.
        with contextlib.suppress(OSError):
            used += time.clock_gettime_ns(_clock_of(pid))
    return used


def _clock_of(pid: int) -> int:
    """The clock that counts a process's own time, see clock_getcpuclockid(3)."""
    return (~pid << 3) | 2


def descendants(without: int) -> list[int]:
    """Processes that come from this one, except `without`."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    return [child.pid for child in children if child.pid != without]


class _Workload(Protocol):
    def run(self) -> Spent:
        """Do it once."""


def in_turns(reference: _Workload, sample: Callable[[], _T], rounds: int) -> Iterator[tuple[float, _T]]:
    """Take samples, each between two runs of the reference.

    Args:
        reference: what they are measured against.
        sample: takes one.
        rounds: how many, after some that warm up.

    Yields:
        Mean processor time of the reference before and after, nanoseconds, and the sample.
    """
    for _ in range(WARM_UPS):
        reference.run()
        sample()
    before = reference.run()
    for _ in range(rounds):
        taken = sample()
        after = reference.run()
        yield (before.cpu_ns + after.cpu_ns) / 2, taken
        before = after
