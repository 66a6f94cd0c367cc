"""Deep races: several windows have to be met in one schedule, by real processes or in a model.

A lane is a generator of calls, and gets the size of the transcript that each look has seen. A race is
*silent* if the lanes take the same steps whether a window was met or not, and *staged* if a lane goes on
to further steps once it has met one, as a check that retries does. The race is then shown by its last
retry.
"""

from __future__ import annotations

import dataclasses
import math
import os
import random
from collections.abc import Callable, Generator, Sequence
from fractions import Fraction
from typing import NamedTuple

from harness.explore.calibration import calibrate
from harness.explore.explorer import strategy_seed
from harness.explore.schedule_runner import run_schedule
from harness.model.gate import RUN, Candidate, Outcome, Verdict
from harness.model.history import Absent, End
from harness.model.program import Filesystem, LaneProgram, Op, Program
from harness.strategies.forecast import Forecast
from harness.strategies.strategy import Strategy
from tests.harness.gates.kernel.words import Words

__all__ = ["DEEP", "Deep", "DeepFence", "DeepGate", "Hit", "first_hit", "model_forecast", "program"]

_STEPS_MAX = 1000
Lane = Callable[[], Generator[str, int, str]]


class Hit(NamedTuple):
    """Facts about a schedule.

    Args:
        order: its steps on the transcript, each as lane and number: ``0.1`` is the second one of lane 0.
        said: what lane 0 came to.
    """

    order: list[str]
    said: str


@dataclasses.dataclass(frozen=True)
class Deep:
    """A race.

    Args:
        name: of the race.
        lanes: what each lane does.
        shows: whether a schedule shows the race.
        share: share of all orders of the steps on the transcript that show it; None where that depends on
            what is met.
        letters: the steps of each lane, where they are always the same.
        depth: of the flaw in the sense of PCT; 0 where it has not been counted.
    """

    name: str
    lanes: tuple[Lane, ...]
    shows: Callable[[Hit], bool]
    share: Fraction | None = None
    letters: tuple[str, ...] = ()
    depth: int = 0


def _plain(letters: str) -> Lane:
    def lane() -> Generator[str, int, str]:
        for letter in letters:  # noqa: UP028  # a string takes nothing that is sent
            yield letter
        return ""

    return lane


def _retrying(before: int, gap: int, retries: int) -> Lane:
    """Return a lane that looks twice, and once more for each time that it has seen a change between."""

    def lane() -> Generator[str, int, str]:
        for _ in range(before):
            yield "-"
        for _ in range(retries):
            first = yield "r"
            for _ in range(gap):
                yield "-"
            if (yield "r") == first:
                return "unchanged"
            yield "s"
        return "gave up"

    return lane


def _silent(
    name: str,
    letters: tuple[str, ...],
    share: Fraction,
    shows: Callable[[Sequence[str]], bool],
    depth: int = 0,
) -> Deep:
    return Deep(name, tuple(map(_plain, letters)), lambda hit: shows(hit.order), share, letters, depth)


def _staged(name: str, checker: Lane, *others: str) -> Deep:
    return Deep(name, (checker, *map(_plain, others)), lambda hit: hit.said == "gave up")


def _is(*wanted: str) -> Callable[[Sequence[str]], bool]:
    return lambda order: list(order) == list(wanted)


def _windows(count: int) -> Callable[[Sequence[str]], bool]:
    return _is(*(step for i in range(count) for step in (f"0.{2 * i}", f"1.{i}", f"0.{2 * i + 1}")))


def _inside(order: Sequence[str]) -> bool:
    return order[0] == "0.0" and order[-1] == "0.1"


#: Orders of 2, 2, 2 and 2 steps, of which the first and the last are to be one lane's.
_INSIDE = Fraction(math.factorial(6), 2**3) / Fraction(math.factorial(8), 2**4)
DEEP = {
    one.name: one
    for one in (
        _silent("A-B-A", ("--r---r-", "---w-ww", "-----", "-------"), Fraction(1, 10),
                _is("0.0", "1.0", "1.1", "1.2", "0.1"), 2),
        _silent("3 windows", ("-rr-r-rr-r", "-w-w--w", "---"), Fraction(1, math.comb(9, 3)), _windows(3)),
        _silent("4 windows", ("rr-rr-rr-rr", "-w-w--w-w", "---"), Fraction(1, math.comb(12, 4)), _windows(4)),
        _silent("all others inside", ("--r----r-", "-w-w", "w-w-", "--ww"), _INSIDE, _inside, 2),
        _silent("ladder of 4", ("--r--r--r--r", "-w--w--w---", "------"), Fraction(1, math.comb(7, 3)),
                _is("0.0", "1.0", "0.1", "1.1", "0.2", "1.2", "0.3")),
        _staged("3 retries", _retrying(4, 0, 3), "-w--w---w-", "------"),
        _staged("4 retries", _retrying(8, 1, 4), "-w--w---w--w--w--", "---------"),
        _staged("5 retries", _retrying(6, 0, 5), "-w--w---w--w---w-w", "--------"),
    )
}  # fmt: skip


def program(race: Deep) -> Program:
    """Return a program in which each lane is one operation."""
    lanes = tuple(
        LaneProgram(f"lane{n}", "editor", f"p{n}", False, (Op("append", how=f"go{n}"),))
        for n in range(len(race.lanes))
    )
    return Program(lanes, (), Filesystem(), 0)


class DeepFence(Words):
    """Does by real calls what the lanes of a race do."""

    about = "one call a step, as the generator of its lane says"

    def go(self) -> str:
        """Run the lane to its end, and say what it came to."""
        steps = DEEP[str(self.site.options["race"])].lanes[int(self.site.lane.removeprefix("lane"))]()
        size = 0
        try:
            letter = next(steps)
            while True:
                size = self._do(letter, size)
                letter = steps.send(size)
        except StopIteration as end:
            return str(end.value)

    def _do(self, letter: str, size: int) -> int:
        if letter == "r":
            return os.stat(self.path).st_size
        if letter == "w":
            os.truncate(self.path, size + 1)
            return size + 1
        if not os.path.exists(f"{self.path}.{'retry' if letter == 's' else self.site.lane}"):
            return size
        raise AssertionError("no lane makes such a file")


class DeepGate:
    """A gate that offers the steps of a race's lanes and runs nothing."""

    name = "model"
    has_own_steps = False
    starts_anew = False
    idle_steps = 0

    def __init__(self, race: Deep) -> None:
        self._race = race

    def begin(self, program: Program) -> None:
        self._lanes = [lane() for lane in self._race.lanes]
        self._taken = [0] * len(self._lanes)
        self._sizes = [0] * len(self._lanes)
        self._size = 0
        self._said = [""] * len(self._lanes)
        self.order: list[str] = []
        self._counts = [0] * len(self._lanes)
        self._letters = [self._next(n, None) for n in range(len(self._lanes))]

    @property
    def hit(self) -> Hit:
        """Return what is known of the schedule."""
        return Hit(self.order, self._said[0])

    def _next(self, lane: int, size: int | None) -> str:
        try:
            return next(self._lanes[lane]) if size is None else self._lanes[lane].send(size)
        except StopIteration as end:
            self._said[lane] = end.value
            return ""

    def settle(self) -> list[Candidate]:
        return [self._candidate(n, letter) for n, letter in enumerate(self._letters) if letter]

    def _candidate(self, lane: int, letter: str) -> Candidate:
        call = "truncate" if letter == "w" else "newfstatat"
        path = {"s": "retry", "-": f"own{lane}"}.get(letter, "T")
        return Candidate(lane, 0, self._taken[lane], call, path, letter == "w")

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        lane = candidate.lane
        if candidate.path == "T":
            self.order.append(f"{lane}.{self._counts[lane]}")
            self._counts[lane] += 1
            if candidate.writes:
                self._sizes[lane] += 1
                self._size = self._sizes[lane]
        self._taken[lane] += 1
        self._letters[lane] = self._next(lane, self._size)

    def finish(self, inconclusive: str = "") -> Outcome:
        return Outcome(Absent, (End(Absent, inconclusive=inconclusive),), {})


def model_forecast(race: Deep) -> Forecast:
    """Return what calibration says of a race in the model."""
    gate, drawn = DeepGate(race), program(race)

    def run(index: int, _: Program, strategy: Strategy) -> Outcome:
        return run_schedule(gate, drawn, strategy, random.Random(index), _STEPS_MAX)[0]  # type: ignore[arg-type]

    return calibrate(lambda _: drawn, run).forecast(drawn)


def _in_model(race: Deep) -> Callable[[Strategy, int], bool]:
    gate, drawn = DeepGate(race), program(race)

    def play(strategy: Strategy, seed: int) -> bool:
        run_schedule(gate, drawn, strategy, random.Random(seed), _STEPS_MAX)  # type: ignore[arg-type]
        return race.shows(gate.hit)

    return play


def first_hit(
    race: Deep,
    strategy: Strategy,
    forecast: Forecast,
    seed: int,
    limit: int,
    play: Callable[[Strategy, int], bool] | None = None,
) -> int | None:
    """Return how many schedules it takes to the first that shows the race; None where the limit is less.

    Args:
        race: what to run.
        strategy: new.
        forecast: of the race.
        seed: of the run.
        limit: of schedules.
        play: runs one schedule with a strategy and a seed, and says whether it shows the race; None for one
            in the model.
    """
    play = play or _in_model(race)
    for index in range(limit):
        part = strategy.part(index)
        part.set_forecast(forecast)
        if play(part, strategy_seed(seed, index)):
            return index + 1
    return None
