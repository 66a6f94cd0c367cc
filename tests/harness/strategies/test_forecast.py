"""`Remaining` corrects the forecast as lanes go on."""

from __future__ import annotations

import pytest

from harness.model.gate import Candidate
from harness.strategies import STRATEGIES, make
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT


def step(lane: int, op: int) -> Candidate:
    return Candidate(lane, op, 0, "write", "T", True)


def test_before_the_first_step_all_steps_are_left() -> None:
    remaining = Remaining([[2.0, 3.0], [1.5]])
    assert [remaining.left(0), remaining.left(1)] == [5.0, 1.5]
    assert remaining.total() == 6.5


def test_a_step_reduces_its_own_operation_by_one() -> None:
    remaining = Remaining([[2.0, 3.0]])
    remaining.count_step(step(0, 0))
    assert remaining.left(0) == 4.0


def test_a_shorter_operation_leaves_the_next_ones_unchanged() -> None:
    remaining = Remaining([[5.0, 3.0, 1.0]])
    remaining.count_step(step(0, 0))
    remaining.observe(step(0, 1))
    assert remaining.left(0) == 4.0


def test_a_longer_operation_leaves_the_next_ones_unchanged() -> None:
    remaining = Remaining([[1.0, 3.0]])
    for _ in range(4):
        remaining.count_step(step(0, 0))
    assert remaining.left(0) == 3.0


def test_skipped_operations_are_over() -> None:
    remaining = Remaining([[1.0, 3.0, 5.0, 7.0]])
    remaining.observe(step(0, 3))
    assert remaining.left(0) == 7.0


def test_after_an_operation_beyond_the_forecast_no_steps_are_left() -> None:
    remaining = Remaining([[1.0]])
    remaining.observe(step(0, 4))
    assert remaining.left(0) == 0.0


def test_each_schedule_starts_with_the_full_forecast() -> None:
    remaining = Remaining([[2.0]])
    remaining.count_step(step(0, 0))
    remaining.begin()
    assert remaining.left(0) == 2.0


def test_without_a_forecast_each_lane_has_one_step() -> None:
    remaining = Remaining(None)
    remaining.count_step(step(3, 0))
    assert remaining.left(3) == 1.0
    assert not remaining.known
    assert remaining.total() == 0.0


def test_lengths_of_different_programs_are_an_error() -> None:
    lanes, fewer, shorter = [[1.0, 2.0], [3.0]], [[1.0, 2.0]], [[1.0], [3.0]]
    assert Forecast(lanes, lanes, lanes, lanes).about({TRANSCRIPT, LOCK}) == [[2.0, 4.0], [6.0]]
    assert Forecast(lanes, lanes, lanes, fewer).about({TRANSCRIPT}) == lanes
    for other in (fewer, shorter):
        with pytest.raises(ValueError, match="zip"):
            Forecast(lanes, lanes, lanes, other).about({TRANSCRIPT, LOCK})


def test_strategies_that_use_a_forecast_say_so() -> None:
    seeing = {name for name in STRATEGIES if make(name).uses_forecast}
    assert seeing == {"surw", "urw", "pct", "delay", "portfolio"}
