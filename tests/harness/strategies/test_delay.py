"""Delay-bounded: each lane runs to its end, then the next one, except at the delays."""

from __future__ import annotations

import itertools
import random

import pytest

from harness.strategies.delay import Delay
from tests.harness.strategies.shapes import SHAPES, forecast_of, frequency
from tests.harness.strategies.test_strategies import Draws, play

#: Draws that put a delay before the n-th of 32 steps.
AT = [n / 32 for n in range(32)]
#: First draws: lane 0 begins, and the length is 32.
FIRST = (0.0, 0.0)


def test_without_a_delay_each_lane_runs_to_its_end() -> None:
    assert play(Delay(1), Draws(*FIRST, AT[20]), 3, 2, 3) == [0, 0, 0, 1, 1, 2, 2, 2]


def test_a_delay_hands_the_turn_to_the_next_lane() -> None:
    assert play(Delay(1), Draws(*FIRST, AT[2]), 4, 2, 2) == [0, 0, 1, 1, 2, 2, 0, 0]


def test_two_delays_before_one_step_skip_two_lanes() -> None:
    assert play(Delay(2), Draws(*FIRST, AT[1], AT[1]), 3, 2, 2) == [0, 2, 2, 0, 0, 1, 1]


def test_delays_at_different_steps_add_up() -> None:
    assert play(Delay(2), Draws(*FIRST, AT[1], AT[2]), 3, 3, 2) == [0, 1, 2, 2, 0, 0, 1, 1]


@pytest.mark.parametrize("delays", [1, 2, 3])
def test_only_ends_of_lanes_and_delays_cause_switches(delays: int) -> None:
    for seed in range(500):
        went = play(Delay(delays), random.Random(seed), 7, 7, 7)
        switches = sum(a != b for a, b in itertools.pairwise(went))
        # Each delay leaves one lane unfinished, which gets one more turn.
        assert switches <= 2 + 2 * delays


def test_the_number_of_delays_is_drawn_from_1_to_3() -> None:
    counts = set()
    for seed in range(200):
        delay = Delay()
        delay.begin(random.Random(seed), 3)
        counts.add(len(delay._delays))
    assert counts == {1, 2, 3}


def test_with_a_forecast_delays_precede_visible_steps() -> None:
    shape = SHAPES[1]
    delay = Delay(3)
    delay.set_forecast(forecast_of(shape))
    delay.begin(random.Random(1), len(shape.lanes))
    assert all(0 <= at <= 1.25 * sum(map(len, shape.lanes)) for at in delay._delays)
    assert frequency(Delay(), shape, forecast_of(shape), 4000) > 0
