"""A hunt draws, shrinks, counts and ends, on a fake coordinator that says what each scenario shows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest

from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.explore.shard import Shard
from harness.model.errors import StoreError
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement
from harness.results.stats import Finding, Stats
from harness.scenario import Scenario
from harness.tools.fuzz import hunt
from harness.tools.fuzz.hunt import SCHEDULES, Catch, Hunt

_HISTORY = History(Header("", "", "kernel", "", "", {}, 1, 0, (), Absent), (End(Absent),), {})


class _FakeCoordinator:
    """A fake coordinator.

    Args:
        shows: returns the kinds of violation that a scenario shows.
        questions_max: number of search tasks before the user interrupts.
    """

    def __init__(self, shows: Callable[[Scenario], Iterable[str]], questions_max: int = 1_000_000) -> None:
        self.shows = shows
        self.questions_max = questions_max
        self.questions: list[SearchTask] = []
        self.fault: StoreError | None = None

    @property
    def interrupted(self) -> bool:
        return len(self.questions) >= self.questions_max

    def ask(self, task: SearchTask) -> Result:
        if self.interrupted:
            return Result(task, Stats(), 1)
        self.questions.append(task)
        stats = Stats(schedules=task.schedules)
        for kind in self.shows(task.scenario):
            stats.violations[kind] = 1
            program = Program((), (), Filesystem(0, True, "always"), 0, 0)
            stats.first[kind] = Finding(kind, 0, program, Schedule(()), _HISTORY, Judgement())
        return Result(task, stats, 1, fault=self.fault)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a hunt shrink for as long as it takes."""
    monkeypatch.setattr(hunt, "_SHRINK_S", 1e9)


def _hunt(
    campaign: _FakeCoordinator, limit_s: float = 1e9, seed: int = 1, shard: Shard | None = None
) -> Hunt:
    deadline = time.monotonic() + limit_s
    return Hunt(cast(Coordinator, campaign), "none", "coordinated", seed, deadline, shard=shard)


def _first(campaign: _FakeCoordinator, **more: Any) -> Catch:
    return next(_hunt(campaign, **more).catches())


def _rotating(scenario: Scenario) -> list[str]:
    return ["crash"] if any("rotate" in getattr(lane, "actions", ()) for lane in scenario.lanes) else []


def test_a_catch_is_as_small_as_possible() -> None:
    catch = _first(_FakeCoordinator(_rotating))
    assert catch.kind == "crash"
    assert catch.shrunk
    assert catch.data["lanes"] == [{"role": "runner"}, {"role": "editor", "actions": ["rotate"]}]
    assert set(catch.data) == {"policy", "lanes", "schedules"}
    assert catch.data["schedules"] == catch.result.stats.schedules > SCHEDULES


def test_each_kind_is_caught_once_with_its_other_kinds() -> None:
    def shows(scenario: Scenario) -> list[str]:
        return ["lost_entry", "crash"] if len(scenario.lanes) > 1 else ["crash"]

    found = {}
    for catch in _hunt(_FakeCoordinator(shows)).catches():
        found[catch.kind] = catch
        if len(found) == 2:
            break
    assert found["crash"].data["lanes"] == [{"role": "runner"}]
    assert len(found["lost_entry"].data["lanes"]) == 2
    assert found["lost_entry"].others == ("crash",)


def test_the_seed_decides_which_scenarios_are_drawn() -> None:
    def asked(seed: int) -> list[Scenario]:
        campaign = _FakeCoordinator(lambda _: (), questions_max=60)
        assert not list(_hunt(campaign, seed=seed).catches())
        return [task.scenario for task in campaign.questions]

    assert asked(3) == asked(3)
    assert asked(3) != asked(4)


def test_shards_share_the_draws_of_one_hunt() -> None:
    def asked(count: int, shard: Shard | None = None) -> list[str]:
        campaign = _FakeCoordinator(lambda _: (), questions_max=count)
        assert not list(_hunt(campaign, shard=shard).catches())
        return [repr(task.scenario) for task in campaign.questions]

    one, two = (asked(12, Shard(number, 2)) for number in (1, 2))
    assert one == asked(12)
    assert one != two
    # Each seed of a draw gives at most a hundred scenarios, so here are the first of both shards.
    whole = asked(130)
    assert set(two) <= set(whole)


def test_an_interrupt_keeps_the_catch_unshrunk() -> None:
    campaign = _FakeCoordinator(lambda _: ())

    def shows(scenario: Scenario) -> list[str]:
        if len(scenario.lanes) < 3:
            return []
        campaign.questions_max = len(campaign.questions)
        return ["dead_end"]

    campaign.shows = shows
    (catch,) = _hunt(campaign).catches()
    assert catch.kind == "dead_end"
    assert not catch.shrunk
    assert catch.result.task.scenario.name == "fuzz-none-dead-end"
    assert catch.data == {**catch.drawn, "schedules": SCHEDULES}


def test_without_time_nothing_is_run() -> None:
    campaign = _FakeCoordinator(lambda _: ["crash"])
    assert not list(_hunt(campaign, limit_s=0).catches())
    assert not campaign.questions


def test_an_error_of_the_coordinator_is_raised() -> None:
    campaign = _FakeCoordinator(lambda _: ())
    campaign.fault = StoreError("no room")
    with pytest.raises(StoreError, match="no room"):
        list(_hunt(campaign).catches())
    assert len(campaign.questions) == 1


def test_every_draw_is_accepted_and_counted() -> None:
    campaign = _FakeCoordinator(lambda _: (), questions_max=150)
    whole = _hunt(campaign)
    assert not list(whole.catches())
    assert whole.figures.refused == 0
    assert whole.figures.scenarios == 150
    assert whole.figures.schedules == 150 * SCHEDULES
