"""Run the stories by hand, search controls and shrink their witnesses, on real processes."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any, ClassVar

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
from harness.shrink import ShrinkJob, Shrunk
from harness.strategies.recorded import Recorded
from tests.harness.shrink.stories import STORIES
from tests.harness.shrink.words import control_of, program_of, scenario_of

__all__ = ["SCHEDULES", "ByHand", "find", "run_by_hand", "shrink"]

#: Schedules in which the portfolio has to find a control.
SCHEDULES = 2000
_LAST = 999


class ByHand(msgspec.Struct, frozen=True):
    """The result of running a story by hand.

    Args:
        steps: of the shortest schedule that shows the control's violation.
        stops: where its lanes stop: lane, operation, ordinal of the last step.
        runs: schedules that were tried.
    """

    steps: int
    stops: tuple[Choice, ...]
    runs: int


class _Sweeping(msgspec.Struct, frozen=True):
    """Run a story with every stop of its lanes: work for an explorer process."""

    finds: ClassVar[Any] = ByHand | None

    scenario: Scenario
    fence: str
    original: str
    kind: str
    program: Program
    plot: tuple[str, ...]

    def run(self, root: str) -> Generator[ByHand | None, None, None]:
        """Run the story with every stop.

        Args:
            root: where to make session directories.

        Yields:
            None after each run; the shortest schedule that shows the violation at the end.
        """
        found: list[tuple[int, int, tuple[Choice, ...]]] = []
        runs = 0
        with contextlib.closing(Explorer(self.scenario, self.fence, "kernel", root, self.program)) as lanes:
            left: list[tuple[Choice, ...]] = [()]
            while left:
                stops = left.pop()
                taken, shows = self._run_once(lanes, stops)
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
                if not self._run_once(lanes, stops)[1]:
                    yield ByHand(steps, stops, runs)
                    return
                yield None

    def _next(self, stops: tuple[Choice, ...], taken: tuple[Choice, ...]) -> list[Choice]:
        """Return where the next block may end, from the schedule after the stops so far."""
        word = self.plot[len(stops)]
        lane, at, op = word.partition("@")
        if at:
            number, _, ordinal = op.partition(".")
            return [Choice(int(lane), int(number), int(ordinal or _LAST))]
        if not any(other.partition("@")[0] == lane for other in self.plot[len(stops) + 1 :]):
            return [Choice(int(lane), _LAST, _LAST)]
        done = max((stop for stop in stops if stop.lane == int(lane)), key=_place, default=None)
        places = [one for one in taken if one.lane == int(lane)]
        # The last step leaves nothing for later.
        return [one for one in places[:-1] if done is None or _place(one) > _place(done)]

    def _run_once(self, lanes: Explorer, stops: tuple[Choice, ...]) -> tuple[tuple[Choice, ...], bool]:
        history, schedule, _ = lanes.run(self.program, Recorded(Schedule(stops)), 1, 0)
        judgement = judge(history)
        shows = not judgement.inconclusive and any(one.kind == self.kind for one in judgement.violations)
        return schedule.choices, shows


def _place(choice: Choice) -> tuple[int, int]:
    return choice.op, choice.ordinal


def run_by_hand(control: str) -> ByHand | None:
    """Return the shortest run of a control's story that shows its violation; None when none does."""
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
    """Return the first witness of a search by the default strategy, as `run` would store it."""
    kind = control_of(control).caught_by
    task = SearchTask(scenario_of(control), control, "kernel", "portfolio", seed, SCHEDULES, until=kind)
    with Coordinator(1) as campaign:
        found = campaign.ask(task).sought
    assert found is not None, f"{control} was not caught"
    return task.witness(found)


def shrink(witness: Witness, time_limit_s: float) -> Shrunk:
    """Return the last result of shrinking a witness."""
    found = [one for one in perform(ShrinkJob.of(witness, time_limit_s)) if isinstance(one, Shrunk)]
    return found[-1]
