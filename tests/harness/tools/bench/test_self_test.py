"""The self-test pairs runs and counts false alarms and misses of the comparison."""

from __future__ import annotations

import random

from harness.tools.bench.self_test import Run, joined, judged, planted
from tests.harness.tools.bench.made_up import noisy


def test_planted_runs_are_spread_evenly() -> None:
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


def test_a_comparison_without_misses_and_false_alarms_holds() -> None:
    outcome = judged(_runs(1.15))
    assert (outcome.compared, outcome.tried, outcome.planted) == (40, 10, 0.15)
    assert outcome.false == 0
    assert outcome.power == 1
    assert outcome.holds


def test_a_comparison_with_misses_does_not_hold() -> None:
    outcome = judged(_runs(1.02))
    assert outcome.found == 0
    assert not outcome.holds


def test_a_comparison_with_false_alarms_does_not_hold() -> None:
    """Every third run takes half the time."""
    runs = [
        Run(run.planted, tuple(ratio * (2 if at % 3 else 1) for ratio in run.ratios))
        for at, run in enumerate(_runs(3.0))
    ]
    outcome = judged(runs)
    assert outcome.slower > 0
    assert outcome.faster > 0
    assert not outcome.holds


def test_a_self_test_without_comparisons_does_not_hold() -> None:
    assert not judged([]).holds
