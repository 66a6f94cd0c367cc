"""Count false alarms and misses of the comparison on this machine, with real work.

A *run* is the measurement of the quickstart by `scenario_cost`, in two sittings with workers of their
own, half of the whole apart. Two equal runs must be called the same; a run that does 15 % more steps than
it reports must be called slower. Compared runs lie a third of the whole apart, so that the load of the
machine has had time to change.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence
from typing import Any, ClassVar

import msgspec

from harness.scenario.definition import Scenario
from harness.tools.bench.comparing import compare
from harness.tools.bench.reference import Reference
from harness.tools.bench.sampling import in_turns
from harness.tools.bench.scenario_cost import Sampler, together

__all__ = [
    "FALSE_MAX",
    "FENCE",
    "FOUND_MIN",
    "SCENARIO",
    "SITTINGS",
    "Outcome",
    "Run",
    "TrialBench",
    "joined",
    "judged",
    "planted",
]

SCENARIO, FENCE = "scenarios/quickstart.yaml", "ledger"
#: Limits for the comparison, as shares.
FALSE_MAX, FOUND_MIN = 0.02, 0.8

#: Under this seed the first schedule has 15 % of the steps of all.
_SCHEDULES, _SEED = 7, 37
#: Sittings of a run.
SITTINGS = 2
_DECIMALS = 4


class Run(msgspec.Struct, frozen=True):
    """One run.

    Args:
        planted: share of steps that were made and not reported.
        ratios: of its samples to the reference.
    """

    planted: float
    ratios: tuple[float, ...]


class Outcome(msgspec.Struct, frozen=True):
    """The result of all comparisons.

    Args:
        compared, slower, faster: comparisons of equal runs, and how many said *slower* and *faster*.
        planted: mean share of steps that the planted runs made and did not report.
        tried, found: comparisons of planted runs with plain ones, and how many said *slower*.
        spread: median over runs of half of the range of the middle half of their ratios, over their median.
    """

    compared: int
    slower: int
    faster: int
    planted: float
    tried: int
    found: int
    spread: float

    @property
    def false(self) -> float:
        """Return the share of false alarms."""
        return (self.slower + self.faster) / self.compared if self.compared else 1.0

    @property
    def power(self) -> float:
        """Return the share of planted slow-downs that were found."""
        return self.found / self.tried if self.tried else 0.0

    @property
    def holds(self) -> bool:
        """Return whether the comparison keeps its limits."""
        return self.false <= FALSE_MAX and self.power >= FOUND_MIN


class TrialBench(msgspec.Struct, frozen=True):
    """Measure some runs, or sittings of runs: work for an explorer process.

    Args:
        scenario: to run.
        slow: for each run, whether more work is planted.
        rounds: samples a run.
    """

    finds: ClassVar[Any] = Run

    scenario: Scenario
    slow: tuple[bool, ...]
    rounds: int

    def run(self, root: str) -> Generator[Run, None, None]:
        """Measure the runs.

        Yields:
            Each run when it is over.
        """
        with Reference() as reference:
            for slow in self.slow:
                with Sampler(self.scenario, FENCE, _SEED, root) as sampler:
                    yield self._one(sampler, reference, slow)

    def _one(self, sampler: Sampler, reference: Reference, slow: bool) -> Run:
        """Run the schedules, with the first one twice if the run is planted; return the run."""
        indices = [*range(_SCHEDULES), *([0] if slow else [])]
        pieces = [functools.partial(sampler.run_schedule, index) for index in indices]
        taken = list(in_turns([reference], pieces, self.rounds))
        reported = together(taken[0][1][:_SCHEDULES]).steps
        return Run(
            together(taken[0][1]).steps / reported - 1,
            tuple(
                round(together(pieces).spent.cpu_ns / reference_ns, _DECIMALS)
                for (reference_ns,), pieces in taken
            ),
        )


def joined(sittings: Sequence[Run]) -> Run:
    """Return the run that some sittings make."""
    return Run(sittings[0].planted, tuple(ratio for sitting in sittings for ratio in sitting.ratios))


def planted(compared: int, tried: int) -> list[bool]:
    """Return for each run, in order, whether more work is planted: evenly among the others.

    Args:
        compared: comparisons of equal runs, and plain runs.
        tried: comparisons with a planted one, and planted runs; at most as many.
    """
    runs = []
    for number in range(compared):
        runs.append(False)
        if number * tried // compared < (number + 1) * tried // compared:
            runs.append(True)
    return runs


def judged(runs: Sequence[Run]) -> Outcome:
    """Compare each run with a plain run a third of all away, and return the outcome."""
    plain = [run for run in runs if not run.planted]
    slow = [run for run in runs if run.planted]
    away = max(1, len(plain) // 3)
    verdicts = [_verdict(one, plain[(at + away) % len(plain)]) for at, one in enumerate(plain)]
    found = [
        _verdict(plain[(at * len(plain) // len(slow) + away) % len(plain)], one)
        for at, one in enumerate(slow)
    ]
    return Outcome(
        len(verdicts),
        verdicts.count("slower"),
        verdicts.count("faster"),
        round(sum(run.planted for run in slow) / len(slow), 4) if slow else 0.0,
        len(found),
        found.count("slower"),
        round(_spread(plain), 4),
    )


def _verdict(before: Run, after: Run) -> str:
    return compare({"step": before.ratios}, {"step": after.ratios})["step"]


def _spread(runs: Sequence[Run]) -> float:
    """Return how far samples of one run spread, in the median run."""
    spreads = []
    for run in runs:
        ordered = sorted(run.ratios)
        quarter = len(ordered) // 4
        spreads.append((ordered[-1 - quarter] - ordered[quarter]) / 2 / ordered[len(ordered) // 2])
    return sorted(spreads)[len(spreads) // 2] if spreads else 0.0
