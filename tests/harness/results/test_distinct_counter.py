"""Marks are counted exactly as long as they fit, and the same for every way of dealing out."""

from __future__ import annotations

import math
import random

import pytest

from harness.results import distinct_counter
from harness.results.distinct_counter import DistinctCounter


def marks(count: int) -> list[int]:
    rng = random.Random(1)
    return [rng.getrandbits(64) for _ in range(count)]


def filled(found: list[tuple[int, int]]) -> DistinctCounter:
    seen = DistinctCounter()
    for mark, index in found:
        seen.add(mark, index)
    return seen


def test_each_mark_counts_once_and_with_its_lowest_schedule() -> None:
    seen = filled([(7, 5), (7, 3), (9, 4), (7, 8)])
    assert (seen.count(), seen.exact) == (2, True)
    assert seen.first == {7: 3, 9: 4}
    assert [seen.count(at) for at in (3, 4, 5)] == [0, 1, 2]


def test_the_curve_doubles_and_ends_with_everything() -> None:
    seen = filled([(mark, index) for index, mark in enumerate([1, 1, 2, 3, 3, 4])])
    assert seen.curve(6) == [(1, 1), (2, 1), (4, 3), (6, 4)]
    assert DistinctCounter().curve(0) == []


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_the_estimate_does_not_depend_on_the_dealing(monkeypatch: pytest.MonkeyPatch, parts: int) -> None:
    monkeypatch.setattr(distinct_counter, "MARKS_MAX", 256)
    found = [(mark, index) for index, mark in enumerate(marks(5000))]
    whole = DistinctCounter()
    for part in range(parts):
        whole.merge(filled(found[part::parts]))
    assert not whole.exact
    assert len(whole.first) <= 512
    assert whole.count() == filled(found).count() == pytest.approx(5000, rel=0.15)
    assert whole.curve(5000) == filled(found).curve(5000)


def test_a_merge_is_cut_where_the_other_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after the other was shortened, only its cut tells that there were more."""
    monkeypatch.setattr(distinct_counter, "MARKS_MAX", 256)
    cut = filled([(mark, index) for index, mark in enumerate(marks(513))])
    assert len(cut.first) == 256 and not cut.exact
    few = filled([(mark, 0) for mark in (1, 2, cut.top, cut.top + 1, 2**64 - 1)])
    for begun in (DistinctCounter(), few):
        known = set(begun.first)
        begun.merge(cut)
        assert (begun.top, begun.exact) == (cut.top, False)
        assert set(begun.first) == set(cut.first) | {mark for mark in known if mark <= cut.top}
        assert begun.count() == pytest.approx(513, rel=0.15)


def test_the_estimate_is_the_density_of_the_kept_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distinct_counter, "MARKS_MAX", 2)
    seen = filled([(1, 0), (2, 0), (3, 0)])
    assert seen.top == 2**64 - 1 and len(seen.first) == 3
    # Two marks lie among the three values from 0 to 2.
    assert (seen.exact, seen.count()) == (False, round(2 * 2**64 / 3))
    assert seen.count(before=1) == seen.count() and seen.count(before=0) == 0


def test_a_counter_keeps_enough_marks_for_one_percent() -> None:
    assert 1 / math.sqrt(distinct_counter.MARKS_MAX) < 0.01
    assert distinct_counter.MARKS_MAX == 32_768
