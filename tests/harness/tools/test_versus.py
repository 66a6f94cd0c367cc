"""Controls that both gates can show are compared, and the clock stops at the first report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from fence.controls import CONTROLS
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import ScenarioError, StoreError, UsageError
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement, Violation
from harness.results.stats import Stats
from harness.tools.versus import Course, courses, measure

SCENARIOS = str(Path(__file__).parents[3] / "scenarios")


def _course(name: str) -> Course:
    (course,) = courses([name], SCENARIOS)
    return course


class _Campaign:
    """Answers each search task with its violation, at a chosen schedule.

    Args:
        shown_at: index by gate; a gate without one finds nothing.
        error: with which an explorer fails.
        patience: number of tasks before the user interrupts.
    """

    def __init__(self, shown_at: dict[str, int], error: StoreError | None = None, patience: int = 99) -> None:
        self.asked: list[SearchTask] = []
        self._shown_at = shown_at
        self._error = error
        self._patience = patience

    @property
    def interrupted(self) -> bool:
        return len(self.asked) >= self._patience

    def ask(self, task: SearchTask, progress: Callable[[Stats], None]) -> Result:
        self.asked.append(task)
        stats = Stats()
        progress(stats)
        index = self._shown_at.get(task.gate)
        if index is not None:
            header = Header("s", "f", task.gate, "random", "p", {}, 1, index, (), Absent)
            judgement = Judgement((), (Violation(task.until, 0, 0, 0, "because"),))
            program = Program((), (), Filesystem(), 0)
            stats.add(index, program, Schedule(()), History(header, (End(Absent),)), judgement)
        stats.schedules = 50
        progress(stats)
        return Result(task, stats, 2, fault=self._error)


class _Clock:
    """Moves on a little with each read."""

    now = 0.0

    def monotonic(self) -> float:
        self.now += 0.125
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """Replace the clock that measures all attempts."""
    clock = _Clock()
    monkeypatch.setattr("harness.tools.versus.time", clock)
    return clock


def _measured(campaign: _Campaign, rounds: int = 2) -> Any:
    return measure(cast(Coordinator, campaign), _course("stat-size-only"), rounds, 8.0, 5, 2)


def test_every_control_has_its_scenario() -> None:
    found = courses([], SCENARIOS)
    assert [course.control for course in found] == list(CONTROLS)
    assert all(course.caught_by for course in found)


def test_an_unknown_control_and_a_missing_scenario_are_refused() -> None:
    with pytest.raises(UsageError, match="--controls ledger: no control"):
        courses(["ledger"], SCENARIOS)
    with pytest.raises(ScenarioError, match="guard-prefix-hash"):
        courses(["stat-size-only"], "nowhere")


def test_a_control_with_faults_is_barred_from_the_free_gate() -> None:
    assert "faults" in _course("pr-84046-without-snapshot-after-throw").barred
    assert not _course("ledger-robs-paused-holder").barred
    assert not _course("stat-size-only").barred


def test_scenarios_with_emulated_stamps_are_marked() -> None:
    assert _course("pr-84046-without-size").emulated
    assert _course("pr-84046-without-dev-inode").emulated
    assert not _course("stat-size-only").emulated


def test_both_gates_search_in_turns_with_a_seed_a_round() -> None:
    campaign = _Campaign({"kernel": 0, "free": 0})
    _measured(campaign)
    warm, measured = campaign.asked[:2], campaign.asked[2:]
    assert [(one.gate, one.schedules) for one in warm] == [("kernel", 2), ("free", 2)]
    # Workers are kept only by the attempts that start them, for the attempt right after.
    assert not any(one.keep for one in warm)
    assert [(one.gate, one.seed, one.keep) for one in measured] == [
        (gate, seed, started) for seed in (5, 6) for started in (True, False) for gate in ("kernel", "free")
    ]
    assert {(one.until, one.strategy, one.time_limit_s) for one in campaign.asked} == {
        ("missed_takeover", "portfolio", 8.0)
    }


def test_schedules_count_up_to_the_first_violation() -> None:
    row = _measured(_Campaign({"kernel": 6}))
    for contest in (row.started, row.standing):
        assert (contest.kernel.schedules, contest.kernel.censored) == (7, False)
        assert (contest.free.schedules, contest.free.censored, contest.bound) == (50, True, "at least")
        assert len(contest.kernel.attempts) == len(contest.free.attempts) == 2


def test_the_clock_stops_when_the_violation_is_reported(clock: _Clock) -> None:
    class _Slow(_Campaign):
        """Goes on for a while after it has reported the violation."""

        def ask(self, task: SearchTask, progress: Callable[[Stats], None]) -> Result:
            result = super().ask(task, progress)
            clock.now += 100.0
            progress(result.stats)
            return result

    row = _measured(_Slow({"kernel": 0}))
    assert row.started.kernel.seconds < 1
    # The first report says that the workers have started.
    (attempt, _) = row.started.kernel.attempts
    assert 0 < attempt.start_s < attempt.seconds
    # An attempt that finds nothing takes the time limit and no more.
    assert row.started.free.seconds == 8


def test_a_scenario_with_faults_runs_under_the_kernel_gate_only() -> None:
    campaign = _Campaign({"kernel": 0})
    course = _course("pr-84046-without-snapshot-after-throw")
    row = measure(cast(Coordinator, campaign), course, 2, 8.0, 5, 2)
    assert row is not None
    assert {one.gate for one in campaign.asked} == {"kernel"}
    assert "faults" in row.blind
    for contest in (row.started, row.standing):
        assert (contest.free.attempts, contest.free.seconds) == ((), 8)


def test_an_interrupt_leaves_no_half_measured_control() -> None:
    assert _measured(_Campaign({"kernel": 0}, patience=4)) is None


def test_the_error_of_an_explorer_is_raised() -> None:
    with pytest.raises(StoreError, match="disk"):
        _measured(_Campaign({}, StoreError("the disk is full")))
