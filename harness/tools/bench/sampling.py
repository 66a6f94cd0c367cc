"""Take samples in turns with the reference, and measure the processor time of both.

Time is processor time, summed over every process that takes part: on a loaded machine the wall clock
measures how the kernel shares its cores. Waiting without a processor takes no processor time; the time
on the clock is stored besides.
"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeVar

import psutil

from harness.gates.kernel.gate import KernelGate
from harness.scenario.fence_reference import resolve

__all__ = ["WARM_UPS", "Spent", "Stopwatch", "in_turns", "kin_of"]

#: Samples that are thrown away: caches fill, modules are imported, code runs for the first time.
WARM_UPS = 1

_T = TypeVar("_T")


class Spent(NamedTuple):
    """A time in nanoseconds.

    Args:
        cpu_ns: of the processor.
        wall_ns: on the clock.
    """

    cpu_ns: int
    wall_ns: int

    def plus(self, other: Spent) -> Spent:
        """Return the sum of both."""
        return Spent(self.cpu_ns + other.cpu_ns, self.wall_ns + other.wall_ns)


class Stopwatch:
    """Measures the time of a block: of this process, its ended children, and other processes.

    Args:
        others: returns the ids of those; called at the begin and at the end.
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
        # A process that just ended and was waited for is among the children.
        with contextlib.suppress(OSError):
            used += time.clock_gettime_ns(_clock_of(pid))
    return used


def _clock_of(pid: int) -> int:
    """Return the clock of a process's processor time, see clock_getcpuclockid(3)."""
    return (~pid << 3) | 2


def kin_of(gate: KernelGate, fence: str) -> Callable[[], Iterable[int]]:
    """Return a function that lists a gate's workers, with their children if the fence is external."""
    if not hasattr(resolve(fence), "start_service"):
        return lambda: gate.pids().values()

    def kin() -> Iterable[int]:
        for pid in gate.pids().values():
            yield pid
            with contextlib.suppress(psutil.Error):
                yield from (child.pid for child in psutil.Process(pid).children(recursive=True))

    return kin


class _Workload(Protocol):
    def run(self) -> Spent:
        """Run the workload once and return its time."""


def in_turns(
    references: Sequence[_Workload], pieces: Sequence[Callable[[], _T]], rounds: int
) -> Iterator[tuple[list[float], list[_T]]]:
    """Take samples in pieces, each between two runs of the references, so that load affects all alike.

    Args:
        references: workloads to measure against.
        pieces: each takes one piece of a sample.
        rounds: samples, after some that warm up.

    Yields:
        For each reference the mean processor time around the pieces, nanoseconds, and their results.
    """
    for number in range(-WARM_UPS, rounds):
        spent = [[reference.run().cpu_ns] for reference in references]
        taken = []
        for piece in pieces:
            taken.append(piece())
            for times, reference in zip(spent, references, strict=True):
                times.append(reference.run().cpu_ns)
        if number >= 0:
            yield [sum(times) / len(times) for times in spent], taken
