"""Measure what the walls around the code under test cost: a session's start, a worker's start, a step.

Each sample with walls is taken next to one without them, and the result is their ratio. Walls are Landlock,
capabilities, read-only mounts and process ids of the session's own, as far as this user has them.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar

from harness.explore.explorer import Explorer
from harness.system import pid_namespace
from harness.system.confined_starter import ConfinedStarter, unconfined
from harness.system.forking import get_context
from harness.tools.bench.figures import Quantity, quantity_of
from harness.tools.bench.reference import Reference
from harness.tools.bench.sampling import WARM_UPS, Spent, Stopwatch
from harness.tools.bench.scenario_cost import Sampler, ScenarioWork, together

__all__ = ["AGAINST", "WallsBench"]

AGAINST = "without walls"
_STARTS = 10
#: Process id of the processes that are started, where ids are the session's own.
_ID = 500

#: A sample with walls, and the one without them beside it.
_Pair = tuple[Spent, Spent]
_Sampling = Generator[float | Quantity, None, list[_Pair]]


class WallsBench(ScenarioWork, frozen=True):
    """Measure with and without walls, in turns: work for an explorer process."""

    finds: ClassVar[Any] = float | Quantity

    def run(self, root: str) -> Generator[float | Quantity, None, None]:
        """Measure.

        Yields:
            After each round the processor time of the reference, nanoseconds; each quantity when it is known.
        """
        yield self._summed("start of a session and its workers", "ms", 1e6, (yield from self._sessions(root)))
        pairs = yield from self._processes(root)
        yield self._summed("start of one more process", "ms", _STARTS * 1e6, pairs)
        with self._sampler(root) as walled, _without(self._sampler, root) as free:
            steps = walled()[1]
            pairs = yield from self._in_turns(lambda: walled()[0], lambda: free()[0])
        name = f"step of {self.scenario.name} / {self.fence}, with walls"
        yield self._summed(name, "us", steps * 1e3, pairs)

    def _sessions(self, root: str) -> _Sampling:
        def start() -> Spent:
            explorers: list[Explorer] = []

            def pids() -> Iterator[int]:
                yield from pid_namespace.held()
                for explorer in explorers:
                    yield from explorer.gate.pids().values()

            with Stopwatch(pids) as watch:
                explorers.append(Explorer(self.scenario, self.fence, "kernel", root))
            explorers[0].close()
            return watch.spent

        def free() -> Spent:
            with unconfined():
                return start()

        return (yield from self._in_turns(start, free))

    def _processes(self, root: str) -> _Sampling:
        with _starter(root) as walled, _without(_starter, root) as free:
            return (yield from self._in_turns(walled, free))

    @contextlib.contextmanager
    def _sampler(self, root: str) -> Iterator[Callable[[], tuple[Spent, int]]]:
        """Yield a function that runs some schedules, and returns their time and their steps."""
        with Sampler(self.scenario, self.fence, self.seed, root) as sampler:

            def sample() -> tuple[Spent, int]:
                taken = together([sampler.run_schedule(index) for index in range(self.schedules)])
                return taken.spent, taken.steps

            yield sample

    def _in_turns(self, walled: Callable[[], Spent], free: Callable[[], Spent]) -> _Sampling:
        pairs = []
        with Reference() as reference:
            for number in range(-WARM_UPS, self.rounds):
                # The first one of a pair alternates.
                first, second = (walled, free) if number % 2 else (free, walled)
                taken = first(), second()
                if number >= 0:
                    pairs.append(taken if number % 2 else (taken[1], taken[0]))
                    yield reference.run().cpu_ns
        return pairs

    def _summed(self, name: str, unit: str, divisor: float, pairs: list[_Pair]) -> Quantity:
        return quantity_of(
            name,
            "walls",
            unit,
            self.setup,
            [
                (walled.cpu_ns / free.cpu_ns, walled.cpu_ns / divisor, walled.wall_ns / divisor)
                for walled, free in pairs
            ],
            against=AGAINST,
        )


@contextlib.contextmanager
def _without(make: Callable[[str], contextlib.AbstractContextManager[Any]], root: str) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:
        with unconfined():
            made = stack.enter_context(make(root))
        yield made


@contextlib.contextmanager
def _starter(root: str) -> Iterator[Callable[[], Spent]]:
    """Yield a function that starts some processes, which end at once."""
    context = get_context("fork")
    with tempfile.TemporaryDirectory(dir=root) as directory:
        starter = ConfinedStarter(os.path.realpath(directory), own_pids=True)

        def start() -> Spent:
            with Stopwatch(pid_namespace.held) as watch:
                for _ in range(_STARTS):
                    process = context.Process(target=os._exit, args=(0,))
                    starter.start(process, _ID)
                    process.join()
                    process.close()
            return watch.spent

        try:
            start()
            yield start
        finally:
            starter.close()
