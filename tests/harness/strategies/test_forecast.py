"""What lanes still have before them is corrected as they go."""

from __future__ import annotations

from harness.model.gate import Candidate
from harness.strategies import STRATEGIES, make
from harness.strategies.forecast import Remaining


def step(lane: int, op: int) -> Candidate:
    return Candidate(lane, op, 0, "write", "T", True)


def test_before_the_first_step_all_is_left() -> None:
    remaining = Remaining([[2.0, 3.0], [1.5]])
    assert [remaining.left(0), remaining.left(1)] == [5.0, 1.5]
    assert remaining.total() == 6.5


def test_a_step_taken_is_one_less_of_its_operation() -> None:
    remaining = Remaining([[2.0, 3.0]])
    remaining.took(step(0, 0))
    assert remaining.left(0) == 4.0


def test_an_operation_that_was_shorter_takes_nothing_from_the_next() -> None:
    remaining = Remaining([[5.0, 3.0, 1.0]])
    remaining.took(step(0, 0))
    remaining.stands(step(0, 1))
    assert remaining.left(0) == 4.0


def test_an_operation_that_is_longer_takes_nothing_from_the_next() -> None:
    remaining = Remaining([[1.0, 3.0]])
    for _ in range(4):
        remaining.took(step(0, 0))
    assert remaining.left(0) == 3.0


def test_operations_that_are_skipped_are_over() -> None:
    remaining = Remaining([[1.0, 3.0, 5.0, 7.0]])
    remaining.stands(step(0, 3))
    assert remaining.left(0) == 7.0


def test_an_operation_that_nobody_foresaw_leaves_nothing() -> None:
    remaining = Remaining([[1.0]])
    remaining.stands(step(0, 4))
    assert remaining.left(0) == 0.0


def test_each_schedule_starts_anew() -> None:
    remaining = Remaining([[2.0]])
    remaining.took(step(0, 0))
    remaining.begin()
    assert remaining.left(0) == 2.0


def test_where_nothing_is_known_each_lane_has_one() -> None:
    remaining = Remaining(None)
    remaining.took(step(3, 0))
    assert remaining.left(3) == 1.0
    assert not remaining.known
    assert remaining.total() == 0.0


def test_strategies_that_use_a_forecast_say_so() -> None:
    seeing = {name for name in STRATEGIES if make(name).uses_forecast}
    assert seeing == {"surw", "urw", "pct", "delay", "portfolio"}
