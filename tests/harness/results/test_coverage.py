"""Coverage in figures."""

from __future__ import annotations

from harness.results.coverage import coverage_line, coverage_of
from harness.results.stats import Part, Stats


def tally(schedules: int = 300, **fields: object) -> Stats:
    made = Stats(schedules=schedules, steps=60 * schedules, **fields)  # type: ignore[arg-type]
    for index in range(schedules):
        made.distinct.add(index + 1, index)
        made.classes.add(min(index, 40) + 1, index)
    return made


def test_no_violation_bounds_the_violation_rate() -> None:
    worth = coverage_of(tally(), "kernel", 2)
    assert worth.violation_rate_max == 0.01
    assert (worth.distinct_schedules, worth.distinct_classes, worth.exact) == (300, 41, True)
    assert worth.new_in_last_half == 0
    assert worth.curve[-1] == (300, 41)
    assert "fewer than 1 in 100" in coverage_line(worth)


def test_violations_and_unknown_schedules_bound_nothing() -> None:
    assert coverage_of(tally(violations={"crash": 1}), "kernel", 2).violation_rate_max == 1
    assert coverage_of(tally(0), "kernel", 2).violation_rate_max == 1
    assert coverage_of(tally(2), "kernel", 2).violation_rate_max == 1
    doubtful = coverage_of(tally(inconclusive=100), "kernel", 2)
    assert (doubtful.schedules, doubtful.violation_rate_max) == (200, 0.015)


def test_pct_bounds_bugs_of_its_depth() -> None:
    parts = {"pct:2": Part(schedules=120), "surw": Part(schedules=180)}
    worth = coverage_of(tally(parts=parts), "kernel", 2)
    assert worth.depth_bounds == {"2": round(1 - (1 - 1 / 120) ** 120, 4)}
    assert "depth 2" in coverage_line(worth)


def test_each_gate_names_its_blind_spots() -> None:
    assert coverage_of(tally(), "kernel", 2).blind != coverage_of(tally(), "free", 2).blind


def test_the_free_gate_says_that_no_order_is_its_own() -> None:
    worth = coverage_of(tally(parts={"pct:2": Part(schedules=120)}), "free", 2)
    assert worth.blind == (
        "no lane is stopped: orders come as the machine makes them",
        "what overlaps counts as racing, and a lock that was taken away is not seen",
    )
    assert worth.depth_bounds == {}


def test_the_kernel_gate_names_its_four_blind_spots() -> None:
    spots = coverage_of(tally(), "kernel", 2).blind
    assert len(spots) == 4
    for word in ("memory alone", "shared mapping", "polls", "power"):
        assert sum(word in spot for spot in spots) == 1
