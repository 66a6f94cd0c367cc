"""Real processes show a race as often as theory says; `make stress` does it with 20,000 schedules each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.gates.kernel.frequencies import learned, measure, words_of
from tests.harness.gates.kernel.racing import Racing
from tests.harness.gates.kernel.stage import Stage
from tests.harness.strategies.shapes import SHAPES, Shape, forecast_of

pytestmark = pytest.mark.requires("kernel-gate")

SAMPLES = 150
LOST_UPDATE, STAT_TO_READ = SHAPES[:2]


@pytest.mark.parametrize("strategy", ["surw", "urw", "random", "pct:2"])
@pytest.mark.parametrize("shape", [LOST_UPDATE, STAT_TO_READ], ids=str)
def test_a_race_shows_as_often_as_theory_says(tmp_path: Path, shape: Shape, strategy: str) -> None:
    found = measure(shape, strategy, SAMPLES, tmp_path)
    assert found.holds, found


def test_calibration_learns_the_real_steps_of_the_lanes(tmp_path: Path) -> None:
    with Stage(tmp_path, Racing, ["p", "q", "r", "s"]) as stage:
        found = learned(stage, words_of(stage, LOST_UPDATE))
    exact = forecast_of(LOST_UPDATE)
    assert (found.steps, found.visible, found.transcript, found.lock) == (
        *(exact.steps, exact.visible, exact.transcript, exact.lock),
    )
