"""The stories by hand, run on real processes; and what the search and the shrinker make of each control."""

from __future__ import annotations

import contextlib
from collections.abc import Generator

import msgspec

from harness.explore.coordinator import Coordinator
from harness.explore.explorer import Explorer
from harness.explore.search_task import SearchTask
from harness.explore.worker_pool import perform
from harness.model.program import Program
from harness.model.schedule import Choice, Schedule
from harness.oracle import judge
from harness.results.witness import Witness
from harness.scenario import Scenario
from harness.shrink import Shrinking, Shrunk
from harness.strategies.recorded import Recorded
from tests.harness.shrink.stories import STORIES
from tests.harness.shrink.words import control_of, program_of, scenario_of

__all__ = ["SCHEDULES", "ByHand", "find", "run_by_hand", "shrink"]

#: Within so many the portfolio has to find a control.
SCHEDULES = 2000
_LAST = 999


class ByHand(msgspec.Struct, frozen=True):
    """What a story by hand came to.

    Args:
        steps: of the least that shows the control's violation.
        stops: where lanes are left in it: lane, operation, ordinal of the last step.
        runs: schedules that were tried.
    """

    steps: int
    stops: tuple[Choice, ...]
    runs: int


class _Sweeping(msgspec.Struct, frozen=True):
    """A story to be tried at all its places: work for an explorer process."""

    scenario: Scenario
    fence: str
    original: str
    kind: str
    program: Program
    plot: tuple[str, ...]

    def run(self, root: str) -> Generator[ByHand | None, None, None]:
        """Yields the least that shows the violation at the end, None after each run before.

        Args:
            root: where to make session directories.
        """
        found: list[tuple[int, int, tuple[Choice, ...]]] = []
        runs = 0
        with contextlib.closing(Explorer(self.scenario, self.fence, "kernel", root, self.program)) as lanes:
            left: list[tuple[Choice, ...]] = [()]
            while left:
                stops = left.pop()
                taken, shows = self._once(lanes, stops)
                runs += 1
                yield None
                if len(stops) == len(self.plot):
                    if shows:
                        found.append((len(taken), len(found), stops))
                    continue
                left += [(*stops, stop) for stop in reversed(self._next(stops, taken))]
        with contextlib.closing(
            Explorer(self.scenario, self.original, "kernel", root, self.program)
        ) as lanes:
            for steps, _, stops in sorted(found):
                runs += 1
                if not self._once(lanes, stops)[1]:
                    yield ByHand(steps, stops, runs)
                    return
                yield None

    def _next(self, stops: tuple[Choice, ...], taken: tuple[Choice, ...]) -> list[Choice]:
        """Where the next block may end, by what came after the stops so far."""
        word = self.plot[len(stops)]
        lane, at, op = word.partition("@")
        if at:
            number, _, ordinal = op.partition(".")
            return [Choice(int(lane), int(number), int(ordinal or _LAST))]
        if not any(other.partition("@")[0] == lane for other in self.plot[len(stops) + 1 :]):
            return [Choice(int(lane), _LAST, _LAST)]
        done = max((stop for stop in stops if stop.lane == int(lane)), key=_place, default=None)
        places = [one for one in taken if one.lane == int(lane)]
        # The last step of all leaves nothing for later.
        return [one for one in places[:-1] if done is None or _place(one) > _place(done)]

    def _once(self, lanes: Explorer, stops: tuple[Choice, ...]) -> tuple[tuple[Choice, ...], bool]:
        history, schedule, _ = lanes.run(self.program, Recorded(Schedule(stops)), 1, 0)
        judgement = judge(history)
        shows = not judgement.inconclusive and any(one.kind == self.kind for one in judgement.violations)
        return schedule.choices, shows


def _place(choice: Choice) -> tuple[int, int]:
    return choice.op, choice.ordinal


def run_by_hand(control: str) -> ByHand | None:
    """The least story written by hand that shows the control's violation; None when none does."""
    work = _Sweeping(
        scenario_of(control),
        control,
        control_of(control).original,
        control_of(control).caught_by,
        program_of(control),
        tuple(STORIES[control].plot.split()),
    )
    return next((found for found in perform(work) if isinstance(found, ByHand)), None)


def find(control: str, seed: int = 1) -> Witness:
    """The first witness of a search by the default strategy, as `run` would store it."""
    kind = control_of(control).caught_by
    question = SearchTask(scenario_of(control), control, "kernel", "portfolio", seed, SCHEDULES, until=kind)
    with Coordinator(1) as campaign:
        found = campaign.ask(question).sought
    assert found is not None, f"{control} was not caught"
    return question.witness(found)


def shrink(witness: Witness, time_limit_s: float) -> Shrunk:
    """The last word of a shrinking."""
    found = [one for one in perform(Shrinking.of(witness, time_limit_s)) if isinstance(one, Shrunk)]
    return found[-1]
