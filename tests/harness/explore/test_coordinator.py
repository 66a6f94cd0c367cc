"""A search that ends at its first violation ends at the lowest one, in whichever explorer it shows."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.explore.work_item import WorkItem
from harness.explore.worker_pool import DONE
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement, Violation
from harness.results.stats import Stats
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")
TASK = SearchTask(SCENARIO, "ledger", "kernel", "random", 1, 100, until="crash")


def _stats(schedules: int, found: int | None = None, kind: str = "crash") -> Stats:
    """Return statistics of so many schedules, one of which may show a violation."""
    stats = Stats()
    if found is not None:
        header = Header("s", "f", "kernel", "random", "p", {}, 1, found, (), Absent)
        judgement = Judgement((), (Violation(kind, 0, 0, 0, "because"),))
        program = Program((), (), Filesystem(), 0)
        stats.add(found, program, Schedule(()), History(header, (End(Absent),)), judgement)
    stats.schedules = schedules
    return stats


class _Explorer:
    """Sends given statistics; after a stop it sends those of the schedule that runs, and no more."""

    def __init__(
        self, batches: Sequence[Stats], *, until_stopped: bool = False, running: Stats | None = None
    ) -> None:
        self._near, self._far = Pipe()
        self.alive = True
        self.items: list[WorkItem] = []
        self.stopped = 0
        self._waits = until_stopped
        self._running = running
        for stats in batches:
            self._far.send(stats)
        if not until_stopped:
            self._far.send(None)

    @property
    def waitables(self) -> tuple[Any, ...]:
        return (self._near,)

    def give(self, item: WorkItem) -> None:
        self.items.append(item)

    def stop(self) -> None:
        self.stopped += 1
        if self._waits and self.stopped == 1:
            if self._running is not None:
                self._far.send(self._running)
            self._far.send(None)

    def receive(self) -> object:
        said = self._near.recv()
        return DONE if said is None else said


def _ask(monkeypatch: pytest.MonkeyPatch, *explorers: _Explorer, task: SearchTask = TASK) -> Result:
    with Coordinator(len(explorers)) as coordinator:
        monkeypatch.setattr(coordinator, "_hire", lambda count: list(explorers)[:count])
        return coordinator.ask(task)


def test_every_work_item_names_the_sought_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _Explorer([_stats(50)]), _Explorer([_stats(50)])
    result = _ask(monkeypatch, one, two)
    assert [(item.first, item.stride, item.until) for item in one.items + two.items] == [
        (0, 2, "crash"),
        (1, 2, "crash"),
    ]
    assert (result.complete, result.settled, result.sought) == (True, False, None)


def test_an_explorer_past_the_first_finding_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Explorer([_stats(3, found=4)])  # 0, 2 and 4
    other = _Explorer([_stats(1), _stats(1), _stats(1)], until_stopped=True)  # 1, 3 and 5
    result = _ask(monkeypatch, finder, other)
    assert other.stopped
    # It runs the schedule that it found a second time before it ends.
    assert not finder.stopped
    assert result.sought is not None
    assert (result.sought.schedule_index, result.settled, result.complete) == (4, True, True)
    assert result.stopped == ""


def test_a_lower_schedule_found_later_is_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Explorer([_stats(3, found=4)])
    slower = _Explorer([_stats(1), _stats(1, found=3)])
    result = _ask(monkeypatch, finder, slower)
    assert result.sought is not None
    assert (result.sought.schedule_index, result.settled) == (3, True)


def test_a_finding_is_not_settled_before_all_lower_schedules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finder = _Explorer([_stats(3, found=4)])
    gave_up = _Explorer([_stats(1)])  # 1, and 3 was never run
    result = _ask(monkeypatch, finder, gave_up)
    assert result.sought is not None
    assert (result.settled, result.complete) == (False, False)


def test_another_kind_of_violation_ends_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _ask(monkeypatch, _Explorer([_stats(1, found=0, kind="false_positive"), _stats(99)]))
    assert result.sought is None
    assert result.stats.schedules == 100
    assert (result.settled, result.complete) == (False, True)


@pytest.mark.parametrize(("running", "stopped"), [(2, ""), (1, "time limit")])
def test_a_limit_that_comes_with_the_last_schedule_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, running: int, stopped: str
) -> None:
    task = SearchTask(SCENARIO, "ledger", "kernel", "random", 1, 60, time_limit_s=0.01)
    late = _Explorer([_stats(58)], until_stopped=True, running=_stats(running))
    result = _ask(monkeypatch, late, task=task)
    assert (result.stats.schedules, result.stopped) == (58 + running, stopped)
