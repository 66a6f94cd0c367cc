"""Two fences are compared over the schedules that both ran."""

from __future__ import annotations

import math

import pytest

from harness.results.paired import ANY, Comparison, Difference, compare, mcnemar, rows
from harness.results.stats import UNKNOWN

CRASH, DEAD = ("crash",), ("dead_end",)


def test_each_schedule_counts_on_one_of_four_sides() -> None:
    here = {0: CRASH, 1: (), 2: CRASH, 3: (), 4: CRASH}
    there = {0: CRASH, 1: CRASH, 2: (), 3: (), 4: ()}
    found = compare(here, there, "old")
    crash = Difference(2, 1, 1, 2, 1, 1.0)
    assert found == Comparison("old", 5, {ANY: crash, "crash": crash})
    assert found.differs


def test_only_schedules_with_two_known_ends_are_compared() -> None:
    here = {0: CRASH, 1: CRASH, 2: UNKNOWN, 7: CRASH}
    there = {0: (), 1: UNKNOWN, 2: (), 8: CRASH}
    found = compare(here, there, "old")
    assert found.schedules == 1
    assert found.kinds[ANY] == Difference(1, 0, 0, 0, -1, 1.0)


def test_another_kind_differs_by_kind_and_not_in_sum() -> None:
    found = compare({5: CRASH}, {5: DEAD}, "old")
    assert found.kinds[ANY] == Difference(0, 0, 1, -1, -1, None)
    assert found.kinds["crash"] == Difference(1, 0, 0, 5, -1, 1.0)
    assert found.kinds["dead_end"] == Difference(0, 1, 0, -1, 5, 1.0)
    assert found.differs


def test_fences_that_show_the_same_do_not_differ() -> None:
    found = compare({0: CRASH, 1: ()}, {0: CRASH, 1: ()}, "old")
    assert not found.differs
    assert found.kinds["crash"].p is None
    assert rows([("s", "f", found)])[1:] == []


@pytest.mark.parametrize(
    ("one", "other", "p"),
    # By hand: twice the tail of a fair coin.
    [
        (1, 0, 1.0),
        (5, 0, 2 / 32),
        (9, 1, 2 * 11 / 1024),
        (1, 9, 2 * 11 / 1024),
        (3, 3, 1.0),
        (6, 2, 74 / 256),
    ],
)
def test_p_is_that_of_coin_tosses(one: int, other: int, p: float) -> None:
    assert mcnemar(one, other) == pytest.approx(p, rel=1e-12)


def test_p_of_many_pairs_agrees_with_that_of_few() -> None:
    exact = 2 * sum(math.comb(1400, k) for k in range(651)) / 2**1400
    assert mcnemar(650, 750) == pytest.approx(exact, rel=1e-9)
    assert mcnemar(700, 701) == 1.0


def test_equally_prone_fences_seldom_differ_significantly() -> None:
    """Exact means: under a fair coin at most 5 % of all outcomes have p below 0.05."""
    for pairs in (5, 17, 40):
        outcomes = [(one, pairs - one) for one in range(pairs + 1)]
        wrong = sum(math.comb(pairs, one) for one, other in outcomes if mcnemar(one, other) < 0.05)
        assert wrong / 2**pairs <= 0.05


def test_the_table_has_differing_kinds_and_their_sum() -> None:
    one = compare({0: CRASH, 1: ()}, {0: (), 1: ()}, "old")
    two = compare({0: CRASH, 1: DEAD}, {0: (), 1: ()}, "old")
    head, *found = rows([("s", "f", one), ("t", "f", two)])
    assert [dict(zip(head, row, strict=True))["kind"] for row in found] == [
        "crash", ANY, "crash", "dead end",
    ]  # fmt: skip
    assert found[0] == ("s", "f", "old", "crash", "1", "0", "0", "2", "1")
