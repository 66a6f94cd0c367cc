"""Measure a step and a schedule of a scenario, with plan, gate, lanes, history and verdict."""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec

from harness.explore.explorer import Explorer
from harness.gates.kernel.gate import KernelGate
from harness.oracle import judge
from harness.results.stats import Stats
from harness.scenario.definition import Scenario, dump
from harness.strategies import make as make_strategy
from harness.tools.bench.figures import Quantity, quantity_of
from harness.tools.bench.reference import Reference
from harness.tools.bench.sampling import Spent, Stopwatch, in_turns, kin_of

__all__ = ["Sampled", "Sampler", "ScenarioBench", "ScenarioWork", "together"]

#: The cheapest strategy: the part `controls` includes the cost of a better one.
_STRATEGY = "random"


class Sampled(NamedTuple):
    """The measurements of one schedule, or of several.

    Args:
        spent: time of all.
        steps, traps: of all.
        inconclusive: number of schedules of which the truth is not known.
    """

    spent: Spent
    steps: int
    traps: int
    inconclusive: int

    def plus(self, other: Sampled) -> Sampled:
        """Return the sum of both."""
        return Sampled(
            self.spent.plus(other.spent),
            self.steps + other.steps,
            self.traps + other.traps,
            self.inconclusive + other.inconclusive,
        )


class Sampler:
    """Runs schedules of a scenario by number, as an explorer does. Use as a context manager.

    Args:
        scenario, fence: to run.
        seed: of all schedules.
        root: where to make the session directory.
    """

    def __init__(self, scenario: Scenario, fence: str, seed: int, root: str) -> None:
        self._seed = seed
        self._strategy = make_strategy(_STRATEGY)
        self._explorer = Explorer(scenario, fence, "kernel", root)
        gate = self._explorer.gate
        assert isinstance(gate, KernelGate)
        self._gate = gate
        self._watch = Stopwatch(kin_of(gate, fence))

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_: object) -> None:
        self._explorer.close()

    def run_schedule(self, index: int) -> Sampled:
        """Run one schedule with plan, gate, history, verdict and stats; return its measurements."""
        traps = self._gate.traps
        explorer, stats = self._explorer, Stats()
        with self._watch as watch:
            program = explorer.program(self._seed, index)
            history, schedule, _ = explorer.run(program, self._strategy, self._seed, index)
            stats.add(index, program, schedule, history, judge(history))
        return Sampled(watch.spent, stats.steps, self._gate.traps - traps, stats.inconclusive)


def together(pieces: Sequence[Sampled]) -> Sampled:
    """Return the sum of one or more pieces."""
    return functools.reduce(Sampled.plus, pieces)


class ScenarioWork(msgspec.Struct, frozen=True):
    """Measurements of a scenario under one fence.

    Args:
        scenario, fence: to run.
        schedules: how many a sample of steps.
        rounds: samples.
        seed: of the schedules.
    """

    scenario: Scenario
    fence: str
    schedules: int
    rounds: int
    seed: int

    @property
    def setup(self) -> dict[str, object]:
        """Return everything that the figures depend on."""
        return {
            "scenario": dump(self.scenario),
            "fence": self.fence,
            "schedules": self.schedules,
            "seed": self.seed,
        }


class ScenarioBench(ScenarioWork, frozen=True):
    """Measure a scenario under one fence: work for an explorer process."""

    finds: ClassVar[Any] = float | Quantity

    def run(self, root: str) -> Generator[float | Quantity, None, None]:
        """Measure the scenario.

        Yields:
            After each round the processor time of the reference, nanoseconds; the quantity at the end.
        """
        taken: list[tuple[float, Sampled]] = []
        with Reference() as reference, Sampler(self.scenario, self.fence, self.seed, root) as sampler:
            pieces = [functools.partial(sampler.run_schedule, index) for index in range(self.schedules)]
            for (reference_ns,), sampled in in_turns([reference], pieces, self.rounds):
                taken.append((reference_ns, together(sampled)))
                yield reference_ns
        yield self._summed(taken)

    def _summed(self, taken: list[tuple[float, Sampled]]) -> Quantity:
        inconclusive = sum(sample.inconclusive for _, sample in taken)
        steps = max(1, taken[0][1].steps)
        found = quantity_of(
            f"step of {self.scenario.name} / {self.fence}",
            "scenarios",
            "us",
            self.setup,
            [
                (spent.cpu_ns / reference, spent.cpu_ns / steps / 1e3, spent.wall_ns / steps / 1e3)
                for reference, (spent, steps, *_) in taken
                if steps
            ],
            [{"steps": sample.steps, "traps": sample.traps} for _, sample in taken],
            f"{inconclusive} schedules of which the truth is not known" if inconclusive else "",
        )
        steps_per_s = 1e6 / found.wall if found.wall else 0.0
        return msgspec.structs.replace(
            found,
            rates={
                "steps_per_s": round(steps_per_s, 1),
                "schedules_per_s": round(steps_per_s * self.schedules / steps, 1),
            },
        )
