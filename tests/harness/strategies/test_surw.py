"""SURW stays well defined where counts are wrong and lanes have to wait."""

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
    """Lanes of one operation with so many steps on the transcript, and on the lock."""
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


def test_where_nobody_weighs_anything_each_has_the_same_chance() -> None:
    assert [draw_by_weight([0.0, 0.0], number) for number in (0.0, 0.49, 0.5, 0.99)] == [0, 0, 1, 1]


def test_the_lane_of_the_next_interesting_step_is_drawn_by_what_each_has_left() -> None:
    firsts = Counter(begun(lanes(3, 1), seed).pick([step(0), step(1)]) for seed in range(4000))
    assert abs(firsts[0] / 4000 - 3 / 4) < sure(3 / 4, 4000)


def test_nobody_passes_the_lane_whose_turn_it_is() -> None:
    """Lane 0 has all the weight: lane 1 may do what does not matter, and then waits."""
    for seed in range(50):
        surw = begun(lanes(1e9, 0), seed)
        assert surw.pick([step(0, path="own", call="read"), step(1, path="T")]) == 0
        assert surw.pick([step(0), step(1)]) == 0


def test_what_does_not_matter_goes_on_beside_the_lane_whose_turn_it_is() -> None:
    surw = begun(lanes(1, 0))
    shown = [step(0, path="own"), step(1, path="own")]
    assert {surw.pick(shown) for _ in range(50)} == {0, 1}


def test_a_lane_that_has_more_steps_than_foreseen_is_not_shut_out() -> None:
    """Lane 1 was to take no interesting step, and stands before one: it counts for one."""
    firsts = Counter(begun(lanes(3, 0), seed).pick([step(0), step(1)]) for seed in range(4000))
    assert abs(firsts[1] / 4000 - 1 / 4) < sure(1 / 4, 4000)


def test_a_lane_that_sleeps_can_be_the_one_that_the_others_wait_for() -> None:
    """Lane 1 is not shown yet, and has nearly all steps: lane 0 does what does not matter meanwhile."""
    surw = begun(lanes(1, 1e9))
    assert [surw.pick([step(0, path="own", ordinal=n)]) for n in range(3)] == [0, 0, 0]
    assert surw.pick([step(0), step(1)]) == 1


def test_where_only_others_can_go_one_of_them_goes() -> None:
    """Lane 2 has nearly all steps and cannot go."""
    counts = Counter(begun(lanes(1, 1, 1e9), seed, 3).pick([step(0), step(1)]) for seed in range(2000))
    assert abs(counts[0] / 2000 - 1 / 2) < sure(1 / 2, 2000)


def test_a_lane_that_is_over_sooner_than_foreseen_stops_nobody() -> None:
    surw = begun(lanes(1, 50))
    for n in range(40):
        assert surw.pick([step(0, ordinal=n)]) == 0


def test_wrong_counts_shift_the_shares_and_leave_everything_within_reach() -> None:
    shape = Shape("two", ("rr", "ww"), lambda order: order[0] == "1.0", None, 2)  # type: ignore[arg-type]
    for counts in ((1, 1), (9, 1), (1, 9), (0, 5)):
        found = frequency(Surw(), shape, lanes(*counts), 2000)
        assert 0.03 < found < 0.97, counts


def test_what_is_interesting_is_drawn_among_what_there_is() -> None:
    both = [begun(lanes(2, 2, lock=(3, 3)), seed)._subjects for seed in range(3000)]
    assert {len(subjects) for subjects in both} == {1, 2}
    assert all(900 < count < 1100 for count in Counter(both).values())
    assert len(Counter(both)) == 3
    alone = [begun(lanes(2, 2), seed)._subjects for seed in range(100)]
    assert all("transcript" in subjects for subjects in alone)


def test_steps_on_the_lock_alone_leave_the_rest_to_chance() -> None:
    """With one lane that locks and the lock drawn, the other lane can go at any time."""
    surw = next(
        surw
        for seed in range(100)
        if (surw := begun(lanes(1, 1, lock=(5, 0)), seed))._subjects == frozenset({"lock"})
    )
    assert {surw.pick([step(0, path="own"), step(1)]) for _ in range(40)} == {0, 1}


def test_an_exact_forecast_of_a_model_is_what_its_lanes_do() -> None:
    shape = Shape("s", ("-rw", "--"), lambda order: True, None, 1)  # type: ignore[arg-type]
    forecast = forecast_of(shape)
    assert forecast.about({"transcript"}) == [[0, 1, 1], [0, 0]]
    assert forecast.about({"transcript", "lock"}) == [[0, 1, 1], [0, 0]]
