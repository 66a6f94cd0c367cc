"""Does the comparison cry wolf, and does it sleep: tried on this machine, with work that is really done.

A *run* is what `scenarios` measures of the quickstart, in two sittings with workers of their own, half of
the whole apart. Two runs of the same must not be told apart; one that does 15 % more steps than
it tells of must be called slower. Runs that are compared lie a third of the whole apart, so that
what is going on beside them has had time to change.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence

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
#: What is asked of the comparison, as shares.
FALSE_MAX, FOUND_MIN = 0.02, 0.8

#: Under this seed the first schedule has 15 % of the steps of all.
_SCHEDULES, _SEED = 7, 37
#: Of a run.
SITTINGS = 2
_DECIMALS = 4


class Run(msgspec.Struct, frozen=True):
    """One run.

    Args:
        planted: share of steps that were made and not told of.
        ratios: of its samples to the reference.
    """

    planted: float
    ratios: tuple[float, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What came of all comparisons.

    Args:
        compared, slower, faster: comparisons of a run with a like one, and what they said.
        planted: mean share of steps that the others made and did not tell of.
        tried, found: comparisons of those with a plain one, and how many said *slower*.
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
        """Share of false alarms."""
        return (self.slower + self.faster) / self.compared if self.compared else 1.0

    @property
    def power(self) -> float:
        """Share of planted slow-downs that were found."""
        return self.found / self.tried if self.tried else 0.0

    @property
    def holds(self) -> bool:
        """Whether the comparison does what it promises."""
        return self.false <= FALSE_MAX and self.power >= FOUND_MIN


class TrialBench(msgspec.Struct, frozen=True):
    """Some runs, or sittings of runs: work for an explorer process.

    Args:
        scenario: what is run.
        slow: of each run, whether more work is planted.
        rounds: samples a run.
    """

    scenario: Scenario
    slow: tuple[bool, ...]
    rounds: int

    def run(self, root: str) -> Generator[Run, None, None]:
        """Carry it out.

        Yields:
            A run when it is over.
        """
        with Reference() as reference:
            for slow in self.slow:
                with Sampler(self.scenario, FENCE, _SEED, root) as sampler:
                    yield self._one(sampler, reference, slow)

    def _one(self, sampler: Sampler, reference: Reference, slow: bool) -> Run:
        """The first schedule, then more of its kind where so much is planted, then all the others."""
        indices = [*range(_SCHEDULES), *([0] if slow else [])]
        taken = list(
            in_turns([reference], [functools.partial(sampler.take, index) for index in indices], self.rounds)
        )
        told = together(taken[0][1][:_SCHEDULES]).steps
        return Run(
            together(taken[0][1]).steps / told - 1,
            tuple(
                round(together(pieces).spent.cpu_ns / reference_ns, _DECIMALS)
                for (reference_ns,), pieces in taken
            ),
        )


def joined(sittings: Sequence[Run]) -> Run:
    """The run that some sittings make."""
    return Run(sittings[0].planted, tuple(ratio for sitting in sittings for ratio in sitting.ratios))


def planted(compared: int, tried: int) -> list[bool]:
    """Of each run, in order, whether more work is planted: evenly among the others.

    Args:
        compared: comparisons of like with like, and plain runs.
        tried: comparisons with a planted one, and planted runs; at most as many.
    """
    runs = []
    for number in range(compared):
        runs.append(False)
        if number * tried // compared < (number + 1) * tried // compared:
            runs.append(True)
    return runs


def judged(runs: Sequence[Run]) -> Outcome:
    """Compare each run with a plain one that is a third of all away."""
    plain = [run for run in runs if not run.planted]
    slow = [run for run in runs if run.planted]
    away = max(1, len(plain) // 3)
    said = [_said(one, plain[(at + away) % len(plain)]) for at, one in enumerate(plain)]
    found = [
        _said(plain[(at * len(plain) // len(slow) + away) % len(plain)], one) for at, one in enumerate(slow)
    ]
    return Outcome(
        len(said),
        said.count("slower"),
        said.count("faster"),
        round(sum(run.planted for run in slow) / len(slow), 4) if slow else 0.0,
        len(found),
        found.count("slower"),
        round(_spread(plain), 4),
    )


def _said(before: Run, after: Run) -> str:
    return compare({"step": before.ratios}, {"step": after.ratios})["step"]


def _spread(runs: Sequence[Run]) -> float:
    """How far samples of one run stand apart, in the median run."""
    spreads = []
    for run in runs:
        ordered = sorted(run.ratios)
        quarter = len(ordered) // 4
        spreads.append((ordered[-1 - quarter] - ordered[quarter]) / 2 / ordered[len(ordered) // 2])
    return sorted(spreads)[len(spreads) // 2] if spreads else 0.0
