"""Define races with a known chance, as lanes of letters, and compute these chances.

A lane is a string of steps: ``r`` reads the transcript, ``w`` writes it, ``-`` is a step on a file of
the lane's own. Whether a schedule shows the race depends on the order of the steps on the transcript
alone. Each is written as lane and number: ``0.1`` is the second one of lane 0.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from harness.explore.schedule_runner import run_schedule
from harness.model.gate import RUN, Candidate, Outcome, Verdict
from harness.model.history import Absent, End
from harness.model.program import Filesystem, LaneProgram, Op, Program
from harness.strategies.forecast import Forecast
from harness.strategies.strategy import Strategy

__all__ = [
    "SAMPLES", "SHAPES", "ModelGate", "Shape", "by_left", "chance", "evenly", "forecast_of", "frequency",
    "matters", "program_of", "sure",
]  # fmt: skip

SAMPLES = 5_000
_STEPS_MAX = 1000
#: The call of each letter.
_CALLS = {"r": "newfstatat", "w": "truncate", "-": "newfstatat"}


@dataclasses.dataclass(frozen=True)
class Shape:
    """A race.

    Args:
        name: name of the race.
        lanes: steps of each lane.
        shows: tells whether an order of the steps on the transcript shows the race.
        selectively: share of all orders of those steps that show it.
        depth: depth of the flaw in the sense of PCT.
    """

    name: str
    lanes: tuple[str, ...]
    shows: Callable[[Sequence[str]], bool]
    selectively: Fraction
    depth: int

    def __str__(self) -> str:
        return self.name


def _lost(order: Sequence[str]) -> bool:
    """Return whether both lanes read before either has written."""
    return list(order) not in (["0.0", "0.1", "1.0", "1.1"], ["1.0", "1.1", "0.0", "0.1"])


def _windows(count: int) -> Callable[[Sequence[str]], bool]:
    """Return a test: step i of lane 1 falls between steps 2i and 2i + 1 of lane 0, for all i."""
    wanted = [step for i in range(count) for step in (f"0.{2 * i}", f"1.{i}", f"0.{2 * i + 1}")]
    return lambda order: list(order) == wanted


def _away_and_back(order: Sequence[str]) -> bool:
    """Return whether three writes fall between two reads, which then see the same."""
    return list(order) == ["0.0", "1.0", "1.1", "1.2", "0.1"]


SHAPES = [
    Shape("lost update", ("---r--w---", "-r-----w", "----", "-" * 9), _lost, Fraction(4, 6), 2),
    Shape("stat to read", ("-----r-r--", "---w-----", "-" * 9, "---"), _windows(1), Fraction(1, 3), 2),
    Shape("A-B-A", ("--r---r-", "---w-ww", "-----", "-------"), _away_and_back, Fraction(1, 10), 2),
    Shape("2 windows", ("-rr--r-r-", "--w-w--", "----"), _windows(2), Fraction(1, math.comb(6, 2)), 4),
    Shape("3 windows", ("-rr-r-rr-r", "-w-w--w", "---"), _windows(3), Fraction(1, math.comb(9, 3)), 6),
]


def program_of(shape: Shape) -> Program:
    """Return the shape as a program with one operation for each step."""
    lanes = tuple(
        LaneProgram(f"l{n}", "editor", f"p{n}", False, tuple(Op("append", how=letter) for letter in letters))
        for n, letters in enumerate(shape.lanes)
    )
    return Program(lanes, (), Filesystem(), 0)


def forecast_of(shape: Shape) -> Forecast:
    """Return the exact forecast of a shape."""
    ones = tuple((1.0,) * len(letters) for letters in shape.lanes)
    transcript = tuple(tuple(float(letter in "rw") for letter in letters) for letters in shape.lanes)
    return Forecast(ones, ones, transcript, tuple((0.0,) * len(letters) for letters in shape.lanes))


class ModelGate:
    """A gate that offers the steps of a shape's lanes and runs nothing."""

    name = "model"
    has_own_steps = False
    starts_anew = False
    idle_steps = 0

    def __init__(self, lanes: Sequence[str]) -> None:
        self._candidates = [
            [
                Candidate(n, at, 0, _CALLS[letter], f"own{n}" if letter == "-" else "T", letter == "w")
                for at, letter in enumerate(letters)
            ]
            for n, letters in enumerate(lanes)
        ]

    def begin(self, program: Program) -> None:
        self._left = [iter(lane) for lane in self._candidates]
        self._shown = [next(lane, None) for lane in self._left]
        self.order: list[str] = []
        self._count = [0] * len(self._left)

    def settle(self) -> list[Candidate]:
        return [candidate for candidate in self._shown if candidate is not None]

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        lane = candidate.lane
        if candidate.path == "T":
            self.order.append(f"{lane}.{self._count[lane]}")
            self._count[lane] += 1
        self._shown[lane] = next(self._left[lane], None)

    def finish(self, inconclusive: str = "") -> Outcome:
        return Outcome(Absent, (End(Absent, inconclusive=inconclusive),), {})


def frequency(strategy: Strategy, shape: Shape, forecast: Forecast | None, samples: int = SAMPLES) -> float:
    """Return the share of schedules, with seeds from 0, that show the race."""
    gate, program = ModelGate(shape.lanes), program_of(shape)
    strategy.set_forecast(forecast)
    shown = 0
    for seed in range(samples):
        run_schedule(gate, program, strategy, random.Random(seed), _STEPS_MAX)  # type: ignore[arg-type]
        shown += shape.shows(gate.order)
    return shown / samples


def sure(expected: float | Fraction, samples: int = SAMPLES) -> float:
    """Return three standard errors of an expected share."""
    return 3 * math.sqrt(float(expected) * (1 - float(expected)) / samples)


def evenly(left: int) -> int:
    """Return the weight in a random walk: one for each lane that can go."""
    return 1


def by_left(left: int) -> int:
    """Return the weight in a uniform random walk: the number of steps left."""
    return left


def matters(shape: Shape) -> Iterator[list[str]]:
    """Yield every order of the steps on the transcript."""
    owners = [n for n, letters in enumerate(shape.lanes) for letter in letters if letter != "-"]
    for order in sorted(set(itertools.permutations(owners))):
        count = [0] * len(shape.lanes)
        steps = []
        for lane in order:
            steps.append(f"{lane}.{count[lane]}")
            count[lane] += 1
        yield steps


def chance(shape: Shape, weigh: Callable[[int], int]) -> Fraction:
    """Return the exact chance that a walk shows the race, by dynamic programming over the lanes' places.

    Args:
        shape: the race.
        weigh: a lane's weight by the number of steps it has left.
    """

    @functools.cache
    def of(at: tuple[int, ...], order: tuple[str, ...]) -> Fraction:
        left = [len(rest) for rest in _rests(shape, at)]
        if not any("r" in rest or "w" in rest for rest in _rests(shape, at)):
            return Fraction(shape.shows(order))
        weights = [weigh(n) if n else 0 for n in left]
        total = Fraction(0)
        for lane, weight in enumerate(weights):
            if weight:
                letters = shape.lanes[lane]
                there = letters[at[lane]] != "-"
                number = sum(letter != "-" for letter in letters[: at[lane]])
                then = (*at[:lane], at[lane] + 1, *at[lane + 1 :])
                total += weight * of(then, (*order, f"{lane}.{number}") if there else order)
        return total / sum(weights)

    return of((0,) * len(shape.lanes), ())


def _rests(shape: Shape, at: Sequence[int]) -> list[str]:
    return [letters[place:] for letters, place in zip(shape.lanes, at, strict=True)]
