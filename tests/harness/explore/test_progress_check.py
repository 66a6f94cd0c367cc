"""A search goes on only from progress that leaves none of its schedules out."""

from __future__ import annotations

import random

import pytest

from harness.explore import progress_check
from harness.explore.progress_check import wrong_with
from harness.explore.search_task import SearchTask
from harness.results.search_progress import Progress, Share, deal
from harness.results.stats import Stats
from harness.scenario import load

SCHEDULES = 3000


def task(strategy: str = "portfolio") -> SearchTask:
    return SearchTask(load("scenarios/quickstart.yaml"), "ledger", "kernel", strategy, 1, SCHEDULES)


def progress(left: list[tuple[int, int, int]], done: int, first: int = 0, strategy: str = "pos") -> Progress:
    return Progress(first, strategy, tuple(left), Stats(schedules=done), 1.0)


@pytest.mark.parametrize("strategy", ["pos", "portfolio"])
def test_progress_that_a_search_stores_is_accepted(strategy: str) -> None:
    rng = random.Random(1)
    for one in task(strategy).rounds():
        for explorers in (1, 3, 16):
            shares: list[Share] = deal([one], explorers)
            for share in shares:
                share.done = rng.randrange(len(one) // explorers + 1)
            # Resumed with other explorers.
            again = deal([left for share in shares for left in share.left], 5)
            for share in again:
                share.done = rng.randrange(3)
            left = [(part.start, part.stop, part.step) for share in again for part in share.left]
            count = sum(len(range(*part)) for part in left)
            found = progress(left, one.stop - count, one.start, strategy)
            assert wrong_with(found, task(strategy)) == ""


@pytest.mark.parametrize(
    ("left", "done", "words"),
    [
        ([], 2999, "leaves 0 of 3000"),
        ([(10, 3000, 1)], 3000, "leaves 2990 of 3000"),
        ([(0, 10, 1), (0, 10, 1)], 2980, "twice"),
        ([(0, 30, 3), (9, 29, 5)], 2986, "twice"),
        ([(0, 10, 0)], 2990, "is not of the schedules"),
        ([(10, 0, -1)], 2990, "is not of the schedules"),
        ([(-1, 9, 1)], 2990, "is not of the schedules"),
        ([(0, 10**18, 1)], 3000 - 10**18, "ends behind"),
    ],
)
def test_progress_that_leaves_schedules_out_is_refused(
    left: list[tuple[int, int, int]], done: int, words: str
) -> None:
    assert words in wrong_with(progress(left, done), task("pos"))


def test_another_round_or_strategy_is_refused() -> None:
    assert "no round begins with schedule 7" in wrong_with(progress([], 3000, 7), task("pos"))
    assert "in place of pos" in wrong_with(progress([], 3000, strategy="random"), task("pos"))
    assert wrong_with(progress([], 3000, strategy="portfolio:luck=1"), task("pos"))


def test_a_counter_that_no_search_has_is_refused() -> None:
    found = progress([], 3000)
    found.stats.classes.top = -1
    assert "marks below 0" in wrong_with(found, task("pos"))


def test_two_ranges_meet_where_they_have_a_number_in_common() -> None:
    rng = random.Random(2)
    for _ in range(5000):
        one, other = [
            (start := rng.randrange(30), start + 1 + rng.randrange(60), 1 + rng.randrange(9)) for _ in "12"
        ]
        common = set(range(*one)) & set(range(*other))
        assert progress_check._meet(one, other) == bool(common), (one, other)
