"""The time of a run is divided among its tasks, and some of it is kept for shrinking."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import time_budget
from harness.cli.time_budget import TimeBudget
from harness.explore.search_task import SearchTask
from harness.scenario import load

SCENARIO = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")
TASK = SearchTask(SCENARIO, "ledger", "kernel", "random", 1, 100)


class _Clock:
    now = 50.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(time_budget.time, "monotonic", lambda: clock.now)
    return clock


def test_without_a_limit_a_task_stays_as_it_is(clock: _Clock) -> None:
    budget = TimeBudget(0.0, 5.0)
    assert budget.limited(TASK, 3) is TASK
    clock.now += 1e9
    assert budget.deadline is None and not budget.over


@pytest.mark.parametrize(
    ("spent_s", "tasks_left", "share_s"),
    [
        (0.0, 4, 25.0 - 2.5),
        (60.0, 4, 10.0 - 1.0),
        (0.0, 1, 100.0 - 5.0),  # no more than the limit for shrinking is kept
        (98.0, 40, 1.0 - 0.1),  # a share is a second at least
        (99.5, 40, 0.5 - 0.05),
    ],
)
def test_tasks_share_the_time_that_is_left(
    clock: _Clock, spent_s: float, tasks_left: int, share_s: float
) -> None:
    budget = TimeBudget(100.0, 5.0)
    clock.now += spent_s
    assert budget.limited(TASK, tasks_left).time_limit_s == pytest.approx(share_s)
    assert not budget.over


def test_a_task_begun_too_late_is_still_limited(clock: _Clock) -> None:
    budget = TimeBudget(100.0, 5.0)
    clock.now += 200.0
    assert budget.over
    assert 0 < budget.limited(TASK, 1).time_limit_s < 0.01
