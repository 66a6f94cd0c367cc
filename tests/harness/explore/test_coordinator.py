"""A question that ends at its first violation ends at the lowest one, whoever finds it."""

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
QUESTION = SearchTask(SCENARIO, "ledger", "kernel", "random", 1, 100, until="crash")


def _tally(schedules: int, found: int | None = None, kind: str = "crash") -> Stats:
    """So many schedules, the last of which may show a violation."""
    tally = Stats()
    if found is not None:
        header = Header("s", "f", "kernel", "random", "p", {}, 1, found, (), Absent)
        judgement = Judgement((), (Violation(kind, 0, 0, 0, "because"),))
        program = Program((), (), Filesystem(), 0)
        tally.add(found, program, Schedule(()), History(header, (End(Absent),)), judgement)
    tally.schedules = schedules
    return tally


class _Explorer:
    """Says what it was told to say; one that is called off says no more."""

    def __init__(self, says: Sequence[Stats], *, until_called_off: bool = False) -> None:
        self._near, self._far = Pipe()
        self.alive = True
        self.jobs: list[WorkItem] = []
        self.called_off = 0
        self._waits = until_called_off
        for tally in says:
            self._far.send(tally)
        if not until_called_off:
            self._far.send(None)

    @property
    def waitables(self) -> tuple[Any, ...]:
        return (self._near,)

    def give(self, job: WorkItem) -> None:
        self.jobs.append(job)

    def stop(self) -> None:
        self.called_off += 1
        if self._waits and self.called_off == 1:
            self._far.send(None)

    def receive(self) -> object:
        said = self._near.recv()
        return DONE if said is None else said


def _ask(monkeypatch: pytest.MonkeyPatch, *explorers: _Explorer) -> Result:
    with Coordinator(len(explorers)) as campaign:
        monkeypatch.setattr(campaign, "_hire", lambda count: list(explorers)[:count])
        return campaign.ask(QUESTION)


def test_every_explorer_is_told_what_is_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = _Explorer([_tally(50)]), _Explorer([_tally(50)])
    result = _ask(monkeypatch, one, two)
    assert [(job.first, job.stride, job.until) for job in one.jobs + two.jobs] == [
        (0, 2, "crash"),
        (1, 2, "crash"),
    ]
    assert (result.complete, result.settled, result.sought) == (True, False, None)


def test_who_is_past_the_first_find_is_called_off(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Explorer([_tally(3, found=4)])  # 0, 2 and 4
    other = _Explorer([_tally(1), _tally(1), _tally(1)], until_called_off=True)  # 1, 3 and 5
    result = _ask(monkeypatch, finder, other)
    assert other.called_off
    # What it found is run a second time before it ends.
    assert not finder.called_off
    assert result.sought is not None
    assert (result.sought.schedule_index, result.settled, result.complete) == (4, True, True)
    assert result.stopped == ""


def test_a_lower_schedule_that_is_found_later_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    finder = _Explorer([_tally(3, found=4)])
    slower = _Explorer([_tally(1), _tally(1, found=3)])
    result = _ask(monkeypatch, finder, slower)
    assert result.sought is not None
    assert (result.sought.schedule_index, result.settled) == (3, True)


def test_a_find_is_not_the_first_as_long_as_lower_schedules_were_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finder = _Explorer([_tally(3, found=4)])
    gave_up = _Explorer([_tally(1)])  # 1, and 3 was never run
    result = _ask(monkeypatch, finder, gave_up)
    assert result.sought is not None
    assert (result.settled, result.complete) == (False, False)


def test_another_kind_of_violation_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    result = _ask(monkeypatch, _Explorer([_tally(1, found=0, kind="false_positive"), _tally(99)]))
    assert result.sought is None
    assert result.tally.schedules == 100
    assert (result.settled, result.complete) == (False, True)
