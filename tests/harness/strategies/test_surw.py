"""SURW works with wrong counts and with lanes that wait."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast
from harness.strategies.surw import Surw, draw_by_weight
from tests.harness.strategies.shapes import Shape, forecast_of, frequency, sure


def step(lane: int, op: int = 0, ordinal: int = 0, path: str = "T", call: str = "write") -> Candidate:
    return Candidate(lane, op, ordinal, call, path, call == "write")


def lanes(*counts: float, lock: tuple[float, ...] = ()) -> Forecast:
    """Return the forecast of lanes of one operation, by steps on the transcript and on the lock."""
    transcript = [[count] for count in counts]
    locks = [[count] for count in lock] or [[0.0] for _ in counts]
    return Forecast(transcript, transcript, transcript, locks)


def begun(forecast: Forecast | None, seed: int = 0, count: int = 2) -> Surw:
    surw = Surw()
    surw.set_forecast(forecast)
    surw.begin(random.Random(seed), count)
    return surw


@pytest.mark.parametrize(("number", "place"), [(0.0, 1), (0.24, 1), (0.26, 3), (0.999999, 3)])
def test_a_draw_goes_by_weight(number: float, place: int) -> None:
    assert draw_by_weight([0.0, 1.0, 0.0, 3.0, 0.0], number) == place


def test_equal_chances_if_all_weights_are_zero() -> None:
    assert [draw_by_weight([0.0, 0.0], number) for number in (0.0, 0.49, 0.5, 0.99)] == [0, 0, 1, 1]


def test_the_next_interesting_lane_is_drawn_by_remaining_steps() -> None:
    firsts = Counter(begun(lanes(3, 1), seed).pick([step(0), step(1)]) for seed in range(4000))
    assert abs(firsts[0] / 4000 - 3 / 4) < sure(3 / 4, 4000)


def test_no_interesting_step_precedes_the_drawn_lane() -> None:
    """Lane 0 has all the weight: lane 1 may not take an interesting step first."""
    for seed in range(50):
        surw = begun(lanes(1e9, 0), seed)
        assert surw.pick([step(0, path="own", call="read"), step(1, path="T")]) == 0
        assert surw.pick([step(0), step(1)]) == 0


def test_each_interesting_step_taken_is_one_less() -> None:
    """Lane 0 has three steps in one operation, and takes two of them while lane 1 cannot go."""
    picked = 0
    for seed in range(4000):
        surw = begun(lanes(3, 1), seed)
        for ordinal in range(2):
            assert surw.pick([step(0, ordinal=ordinal)]) == 0
        picked += surw.pick([step(0, ordinal=2), step(1)]) == 0
    assert abs(picked / 4000 - 1 / 2) < sure(1 / 2, 4000)


def test_other_lanes_may_take_steps_that_are_not_interesting() -> None:
    surw = begun(lanes(1, 0))
    shown = [step(0, path="own"), step(1, path="own")]
    assert {surw.pick(shown) for _ in range(50)} == {0, 1}


def test_a_lane_beyond_its_forecast_stays_reachable() -> None:
    """Lane 1 has no interesting step in the forecast and stands before one: it counts for one."""
    firsts = Counter(begun(lanes(3, 0), seed).pick([step(0), step(1)]) for seed in range(4000))
    assert abs(firsts[1] / 4000 - 1 / 4) < sure(1 / 4, 4000)


def test_a_sleeping_lane_can_be_drawn() -> None:
    """Lane 1 cannot go yet and has nearly all steps: lane 0 takes other steps meanwhile."""
    surw = begun(lanes(1, 1e9))
    assert [surw.pick([step(0, path="own", ordinal=n)]) for n in range(3)] == [0, 0, 0]
    assert surw.pick([step(0), step(1)]) == 1


def test_if_the_drawn_lane_cannot_go_another_goes() -> None:
    """Lane 2 has nearly all steps and cannot go."""
    counts = Counter(begun(lanes(1, 1, 1e9), seed, 3).pick([step(0), step(1)]) for seed in range(2000))
    assert abs(counts[0] / 2000 - 1 / 2) < sure(1 / 2, 2000)


def test_a_lane_that_ends_early_blocks_no_other() -> None:
    surw = begun(lanes(1, 50))
    for n in range(40):
        assert surw.pick([step(0, ordinal=n)]) == 0


def test_wrong_counts_shift_shares_but_every_order_stays_reachable() -> None:
    shape = Shape("two", ("rr", "ww"), lambda order: order[0] == "1.0", None, 2)  # type: ignore[arg-type]
    for counts in ((1, 1), (9, 1), (1, 9), (0, 5)):
        found = frequency(Surw(), shape, lanes(*counts), 2000)
        assert 0.03 < found < 0.97, counts


def test_subjects_are_drawn_among_those_that_differ() -> None:
    both = [begun(lanes(2, 2, lock=(3, 3)), seed)._subjects for seed in range(3000)]
    assert {len(subjects) for subjects in both} == {1, 2}
    assert all(900 < count < 1100 for count in Counter(both).values())
    assert len(Counter(both)) == 3
    alone = [begun(lanes(2, 2), seed)._subjects for seed in range(100)]
    assert all("transcript" in subjects for subjects in alone)


def test_with_one_locking_lane_the_lock_leaves_others_free() -> None:
    """If only one lane locks and the lock is drawn, the other lane can go at any time."""
    surw = next(
        surw
        for seed in range(100)
        if (surw := begun(lanes(1, 1, lock=(5, 0)), seed))._subjects == frozenset({"lock"})
    )
    assert {surw.pick([step(0, path="own"), step(1)]) for _ in range(40)} == {0, 1}


def test_the_forecast_of_a_model_is_exact() -> None:
    shape = Shape("s", ("-rw", "--"), lambda order: True, None, 1)  # type: ignore[arg-type]
    forecast = forecast_of(shape)
    assert forecast.about({"transcript"}) == [[0, 1, 1], [0, 0]]
    assert forecast.about({"transcript", "lock"}) == [[0, 1, 1], [0, 0]]
