"""URW: a lane weighs by the steps that it has left, operation by operation."""

from __future__ import annotations

import random
from collections.abc import Callable

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast
from harness.strategies.urw import Urw
from tests.harness.strategies.shapes import sure

COUNT = 4000


def step(lane: int, op: int = 0, ordinal: int = 0) -> Candidate:
    return Candidate(lane, op, ordinal, "write", "T", True)


def share_of_lane_0(lengths: list[list[float]] | None, play: Callable[[Urw], int]) -> float:
    """Return how often a schedule that goes on as `play` does picks the first candidate at its end."""
    urw = Urw()
    urw.set_forecast(None if lengths is None else Forecast(lengths, lengths, lengths, lengths))
    picked = 0
    for seed in range(COUNT):
        urw.begin(random.Random(seed), 2)
        picked += play(urw) == 0
    return picked / COUNT


def test_the_first_lane_is_drawn_by_its_steps() -> None:
    found = share_of_lane_0([[2.0, 1.0], [1.0]], lambda urw: urw.pick([step(0), step(1)]))
    assert abs(found - 3 / 4) < sure(3 / 4, COUNT)


def test_each_step_taken_is_one_less() -> None:
    def play(urw: Urw) -> int:
        for ordinal in range(2):
            assert urw.pick([step(0, ordinal=ordinal)]) == 0
        return urw.pick([step(0, ordinal=2), step(1)])

    assert abs(share_of_lane_0([[3.0], [1.0]], play) - 1 / 2) < sure(1 / 2, COUNT)


def test_an_operation_that_was_shorter_is_over() -> None:
    found = share_of_lane_0([[5.0, 1.0], [1.0]], lambda urw: urw.pick([step(0, op=1), step(1)]))
    assert abs(found - 1 / 2) < sure(1 / 2, COUNT)


def test_a_lane_beyond_its_forecast_counts_for_one_step() -> None:
    found = share_of_lane_0([[0.0], [3.0]], lambda urw: urw.pick([step(0), step(1)]))
    assert abs(found - 1 / 4) < sure(1 / 4, COUNT)


def test_without_a_forecast_all_lanes_weigh_the_same() -> None:
    found = share_of_lane_0(None, lambda urw: urw.pick([step(0), step(1)]))
    assert abs(found - 1 / 2) < sure(1 / 2, COUNT)
