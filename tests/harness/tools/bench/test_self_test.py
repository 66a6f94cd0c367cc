"""The trial of the comparison: which runs are compared, and what it takes to hold."""

from __future__ import annotations

import random

from harness.tools.bench.self_test import Run, joined, judged, planted
from tests.harness.tools.bench.made_up import noisy


def test_planted_runs_stand_evenly_among_the_others() -> None:
    assert planted(4, 2) == [False, False, True, False, False, True]
    assert planted(200, 50).count(False) == 200
    assert planted(200, 50).count(True) == 50
    assert planted(3, 3) == [False, True] * 3


def test_a_run_has_the_ratios_of_all_its_sittings() -> None:
    assert joined([Run(0.15, (1.0, 2.0)), Run(0.15, (3.0,))]) == Run(0.15, (1.0, 2.0, 3.0))


def _runs(factor: float, spread: float = 0.02) -> list[Run]:
    rng = random.Random(1)
    return [
        Run(0.15 if slow else 0.0, noisy(rng, factor if slow else 1.0, spread=spread))
        for slow in planted(40, 10)
    ]


def test_a_comparison_that_tells_work_apart_and_cries_no_wolf_holds() -> None:
    outcome = judged(_runs(1.15))
    assert (outcome.compared, outcome.tried, outcome.planted) == (40, 10, 0.15)
    assert outcome.false == 0
    assert outcome.power == 1
    assert outcome.holds


def test_one_that_sleeps_does_not_hold() -> None:
    outcome = judged(_runs(1.02))
    assert outcome.found == 0
    assert not outcome.holds


def test_one_that_cries_wolf_does_not_hold() -> None:
    """Every third run is another program."""
    runs = [
        Run(run.planted, tuple(ratio * (2 if at % 3 else 1) for ratio in run.ratios))
        for at, run in enumerate(_runs(3.0))
    ]
    outcome = judged(runs)
    assert outcome.slower > 0
    assert outcome.faster > 0
    assert not outcome.holds


def test_nothing_compared_is_nothing_that_holds() -> None:
    assert not judged([]).holds
