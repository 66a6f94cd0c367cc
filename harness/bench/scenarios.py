"""What a step and a schedule of a scenario cost, everything included: plan, gate, lanes, history, verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import NamedTuple

import msgspec

from harness.bench.figures import Quantity, quantity_of
from harness.bench.reference import Reference
from harness.bench.sampling import Spent, Stopwatch, descendants, in_turns
from harness.explorer import Explorer, Job
from harness.gates.kernel.gate import KernelGate
from harness.scenario.model import Scenario, dump

__all__ = ["Sampled", "Sampler", "ScenarioBench"]

#: Walks at random: the price of a strategy that thinks is in the part `controls`.
_STRATEGY = "random"
#: The schedule with number 0 is run twice.
_FIRST = 1


class Sampled(NamedTuple):
    """One sample.

    Args:
        spent: time of all schedules.
        steps, traps: of them.
        inconclusive: those of which the truth is not known.
        untold: steps that were made besides, see `Sampler.take`.
    """

    spent: Spent
    steps: int
    traps: int
    inconclusive: int
    untold: int = 0


class Sampler:
    """Runs the same schedules of a scenario again and again. Use as a context manager.

    Args:
        scenario, fence: what is run.
        schedules: how many a sample, 1 to 62.
        seed: of all of them.
        root: where to make the session directory.
        reference: not to be counted.
    """

    def __init__(
        self, scenario: Scenario, fence: str, schedules: int, seed: int, root: str, reference: Reference
    ) -> None:
        self._job = Job(scenario, fence, "kernel", _STRATEGY, seed, _FIRST, 1, _FIRST + schedules)
        self._explorer = Explorer(scenario, fence, "kernel", root)
        self._watch = Stopwatch(lambda: descendants(reference.pid))

    def __enter__(self) -> Sampler:
        return self

    def __exit__(self, *_: object) -> None:
        self._explorer.close()

    def take(self, more: int = 0) -> Sampled:
        """Take a sample.

        Args:
            more: so many of the schedules are run a second time, and not told of.
        """
        gate = self._explorer.gate
        assert isinstance(gate, KernelGate)
        traps = gate.traps
        again = msgspec.structs.replace(self._job, stop=_FIRST + more)
        with self._watch as watch:
            tallies = list(self._explorer.explore(self._job))
            untold = sum(tally.steps for tally in self._explorer.explore(again)) if more else 0
        return Sampled(
            watch.spent,
            sum(tally.steps for tally in tallies),
            gate.traps - traps,
            sum(tally.inconclusive for tally in tallies),
            untold,
        )


class ScenarioBench(msgspec.Struct, frozen=True):
    """A scenario under one fence: work for an explorer process.

    Args:
        scenario, fence: what is run.
        schedules: how many a sample.
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
        """Everything that makes a figure what it is."""
        return {
            "scenario": dump(self.scenario),
            "fence": self.fence,
            "schedules": self.schedules,
            "seed": self.seed,
        }

    def run(self, root: str) -> Generator[float | Quantity, None, None]:
        """Carry it out.

        Yields:
            After each round the processor time of the reference, nanoseconds; the quantity at the end.
        """
        taken: list[tuple[float, Sampled]] = []
        with Reference() as reference, contextlib.ExitStack() as stack:
            sampler = stack.enter_context(
                Sampler(self.scenario, self.fence, self.schedules, self.seed, root, reference)
            )
            for pair in in_turns(reference, sampler.take, self.rounds):
                taken.append(pair)
                yield pair[0]
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
