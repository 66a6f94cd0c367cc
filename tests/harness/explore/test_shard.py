"""Shards run each schedule of a run once."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from harness.explore.progress_check import wrong_with
from harness.explore.search_task import ExhaustiveTask, SearchTask
from harness.explore.shard import Shard, fixed_shares, shard_of, tasks_of
from harness.model.errors import UsageError
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.scenario import load
from harness.strategies.portfolio import FIRST_SHARES, name_of

SCENARIO = load(Path(__file__).parents[3] / "scenarios" / "quickstart.yaml")


def task(schedules: int, fence: str = "ledger", strategy: str = "portfolio") -> SearchTask:
    return SearchTask(SCENARIO, fence, "kernel", strategy, 1, schedules)


@pytest.mark.parametrize(
    ("schedules", "count"), [([10], 3), ([3, 4], 2), ([1, 1, 1], 7), ([5, 1000, 2], 4), ([300] * 9, 200)]
)
def test_shards_have_each_schedule_once_and_are_equal(schedules: list[int], count: int) -> None:
    parts = [Shard(number, count).parts(schedules) for number in range(1, count + 1)]
    for question, wanted in enumerate(schedules):
        found = list(itertools.chain.from_iterable(part[question] for part in parts))
        assert found == list(range(wanted))
    sizes = [sum(map(len, part)) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_most_shards_are_about_few_questions() -> None:
    about = [sum(map(bool, Shard(number, 200).parts([300] * 100))) for number in range(1, 201)]
    assert max(about) <= 2


def test_a_task_of_a_shard_is_complete_with_its_own_schedules() -> None:
    first, second = tasks_of(Shard(2, 2), [task(20), task(8, "none")])
    assert (first.question, list(first.rounds())) == (0, [range(14, 20)])
    assert (second.question, list(second.rounds())) == (1, [range(8)])
    assert first.complete(Stats(schedules=6))
    assert not first.complete(Stats(schedules=5))


def test_progress_of_a_shard_is_checked_against_its_own_schedules() -> None:
    (own,) = tasks_of(Shard(2, 2), [task(20)])
    assert not wrong_with(Progress(10, "portfolio", ((15, 20, 1),), Stats(schedules=5), 1.0), own)
    assert wrong_with(Progress(10, "portfolio", ((15, 20, 1),), Stats(schedules=15), 1.0), own)
    assert wrong_with(Progress(0, "portfolio", ((15, 20, 1),), Stats(schedules=5), 1.0), own)


def test_a_portfolio_that_would_learn_keeps_its_first_shares() -> None:
    small, large = task(500), task(5000)
    assert fixed_shares([small]) == [small]
    fixed = name_of(FIRST_SHARES)
    assert [one.strategy for one in fixed_shares([small, large])] == [fixed, fixed]
    assert [one.strategy for one in fixed_shares([task(5000, strategy="random")])] == ["random"]


def test_an_exhaustive_search_is_not_divided() -> None:
    fields = msgspec.structs.asdict(task(20))
    whole = ExhaustiveTask(**fields, actions_max=0, preemptions_max=-1, programs=1)
    with pytest.raises(UsageError, match="exhaustive"):
        tasks_of(Shard(1, 2), [whole])


def test_a_shard_that_there_is_not_is_refused() -> None:
    assert shard_of("3/200") == Shard(3, 200)
    for text in ("0/2", "3/2"):
        with pytest.raises(UsageError, match="K from 1 to N"):
            shard_of(text)
