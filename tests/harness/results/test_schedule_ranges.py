"""Ranges of schedules keep their numbers after any join."""

from __future__ import annotations

import itertools

from harness.results.schedule_ranges import adjoined, joined, spelled


def numbers(ranges: list[range]) -> list[int]:
    return sorted(itertools.chain.from_iterable(ranges))


def test_many_ranges_are_joined() -> None:
    scattered = [range(start, start + 40, 13) for start in range(0, 4000, 40)]
    together = joined([*scattered, range(5000, 90_000)])
    assert numbers(together) == numbers([*scattered, range(5000, 90_000)])
    assert len(together) < 210
    halves = [range(start, 10_000, 100) for start in range(100)]
    assert joined(halves) == [range(10_000)]
    assert joined(halves[:3]) == halves[:3]


def test_ranges_too_large_for_memory_stay_as_they_are() -> None:
    many = [range(start, 10**18, 100) for start in range(100)]
    assert joined(many) == many


def test_neighbours_become_one_range_and_gaps_stay() -> None:
    assert adjoined([range(8, 9), range(5), range(5, 8), range(0), range(20, 30, 2)]) == [
        range(9),
        range(20, 30, 2),
    ]
    assert adjoined([range(2), range(3, 4)]) == [range(2), range(3, 4)]


def test_ranges_are_spelled_for_people() -> None:
    assert spelled([range(500), range(700, 701), range(800, 900, 2)]) == "0 to 499, 700, 800 to 898 by 2"


def test_many_ranges_are_counted() -> None:
    assert (
        spelled([range(start, start + 3) for start in range(0, 1000, 10)]) == "300 of 0 to 992, in 100 pieces"
    )
