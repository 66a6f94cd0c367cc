"""On races of which the chance is known, each strategy shows it: 5,000 schedules of a model, fixed seeds.

The same test on real processes is `tests/harness/gates/kernel/test_frequencies.py`.
"""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.pct import Pct, draw_length
from harness.strategies.random_walk import RandomWalk
from harness.strategies.surw import Surw
from harness.strategies.urw import Urw
from tests.harness.strategies.shapes import (
    SHAPES,
    Shape,
    by_left,
    chance,
    evenly,
    forecast_of,
    frequency,
    matters,
    sure,
)  # fmt: skip

each = pytest.mark.parametrize("shape", SHAPES, ids=str)


@each
def test_the_stated_share_equals_the_counted_share(shape: Shape) -> None:
    orders = list(matters(shape))
    assert Fraction(sum(map(shape.shows, orders)), len(orders)) == shape.selectively


@each
def test_surw_shows_a_race_at_its_share_of_orders(shape: Shape) -> None:
    found = frequency(Surw(), shape, forecast_of(shape))
    assert abs(found - shape.selectively) < sure(shape.selectively)


@each
def test_a_random_walk_shows_a_race_at_the_computed_rate(shape: Shape) -> None:
    expected = chance(shape, evenly)
    assert abs(frequency(RandomWalk(), shape, None) - expected) < sure(expected)


@each
def test_urw_shows_a_race_at_its_share_of_schedules(shape: Shape) -> None:
    expected = chance(shape, by_left)
    assert abs(frequency(Urw(), shape, forecast_of(shape)) - expected) < sure(expected)


def _length(forecast: Forecast) -> int:
    return draw_length(random.Random(0), Remaining(forecast.visible))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.depth == 2], ids=str)
@pytest.mark.parametrize("has_forecast", [True, False], ids=["forecast", "no forecast"])
def test_pct_keeps_its_bound(shape: Shape, has_forecast: bool) -> None:
    forecast = forecast_of(shape) if has_forecast else None
    # Without a forecast the length is one of three.
    lengths = [_length(forecast)] if forecast else [32, 64, 128]
    bound = sum(1 / length for length in lengths) / len(lengths) / len(shape.lanes)
    assert frequency(Pct(2), shape, forecast) >= bound - sure(bound)


@each
def test_surw_without_a_forecast_still_shows_each_race(shape: Shape) -> None:
    assert frequency(Surw(), shape, None, 4000) > 0
