"""The rank test against all arrangements counted one by one, and its known values."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tools.bench.ranks import holm, p_greater, shift

#: No two of them are equal, also after the multiplications here.
_SAMPLES = st.lists(st.integers(1, 10_000), min_size=5, max_size=8, unique=True)


def _counted_one_by_one(before: list[float], after: list[float]) -> float:
    """Return the share of all arrangements in which the second sample wins as often or more."""

    def wins(first: list[float], second: list[float]) -> int:
        return sum(new > old for old in first for new in second)

    values = before + after
    ways = [set(way) for way in itertools.combinations(range(len(values)), len(after))]
    seen = wins(before, after)
    reached = sum(
        wins(
            [value for at, value in enumerate(values) if at not in way],
            [value for at, value in enumerate(values) if at in way],
        )
        >= seen
        for way in ways
    )
    return reached / math.comb(len(values), len(after))


@given(_SAMPLES, st.integers(1, 4))
def test_the_chance_equals_a_count_of_all_arrangements(values: list[int], first: int) -> None:
    numbers = [float(value) for value in values]
    before, after = numbers[:first], numbers[first:]
    assert p_greater(before, after) == pytest.approx(_counted_one_by_one(before, after))


def test_separate_samples_have_the_chance_of_one_arrangement() -> None:
    before = [1 + number / 100 for number in range(10)]
    assert p_greater(before, [2 * value for value in before]) == 1 / math.comb(20, 10)
    assert p_greater([2 * value for value in before], before) == 1.0


def test_a_difference_of_less_than_the_factor_is_no_difference() -> None:
    before = [1.0, 1.001, 1.002, 1.003, 1.004]
    after = [1.04 * value for value in before]
    assert p_greater(before, after) == 1 / math.comb(10, 5)
    assert p_greater(before, after, by=1.05) == 1.0


def test_ties_are_never_significant() -> None:
    assert p_greater([1.0] * 10, [1.0] * 10) == 1.0
    assert p_greater([1.0] * 10, [1.05] * 10, by=1.05) == 1.0


@given(st.lists(st.floats(0.5, 2), min_size=5, max_size=12), st.floats(0.5, 2))
def test_a_sample_times_a_factor_is_shifted_by_it(values: list[float], factor: float) -> None:
    found = shift(values, [factor * value for value in values], 0.95)
    assert found.middle == pytest.approx(factor)
    assert found.low <= found.middle <= found.high


def test_the_interval_grows_with_confidence_up_to_all_quotients() -> None:
    before, after = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], [1.05, 1.15, 1.25, 1.35, 1.45, 1.55]
    narrow, wide = shift(before, after, 0.5), shift(before, after, 0.99)
    assert wide.low < narrow.low < narrow.middle < narrow.high < wide.high
    assert shift(before, after, 1 - 1e-9)[::2] == (1.05 / 1.5, 1.55 / 1.0)


def test_findings_are_significant_only_by_their_shared_chance() -> None:
    # 0.01 over 4, over 3, over 2: the third is not significant, nor are those behind it.
    chances = {"a": 0.0024, "b": 0.0033, "c": 0.006, "d": 0.0061}
    assert holm(chances, 0.01) == {"a", "b"}
    assert holm({"a": 0.011}, 0.01) == set()
    assert holm({}, 0.01) == set()
