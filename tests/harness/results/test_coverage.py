"""Coverage in figures."""

from __future__ import annotations

import msgspec
import pytest

from harness.results.coverage import Coverage, coverage_line, coverage_of
from harness.results.stats import Part, Stats


def stats(schedules: int = 300, **fields: object) -> Stats:
    made = Stats(schedules=schedules, steps=60 * schedules, **fields)  # type: ignore[arg-type]
    for index in range(schedules):
        made.distinct.add(index + 1, index)
        made.classes.add(min(index, 40) + 1, index)
    return made


def test_no_violation_bounds_the_violation_rate() -> None:
    worth = coverage_of(stats(), "kernel", 2)
    assert worth.violation_rate_max == 0.01
    assert (worth.distinct_schedules, worth.distinct_classes, worth.exact) == (300, 41, True)
    assert worth.new_in_last_half == 0
    assert worth.curve[-1] == (300, 41)
    assert "fewer than 1 in 100" in coverage_line(worth)


def test_violations_and_unknown_schedules_bound_nothing() -> None:
    assert coverage_of(stats(violations={"crash": 1}), "kernel", 2).violation_rate_max == 1
    assert coverage_of(stats(0), "kernel", 2).violation_rate_max == 1
    assert coverage_of(stats(2), "kernel", 2).violation_rate_max == 1
    doubtful = coverage_of(stats(inconclusive=100), "kernel", 2)
    assert (doubtful.schedules, doubtful.violation_rate_max) == (200, 0.015)


def test_pct_bounds_bugs_of_its_depth() -> None:
    parts = {"pct:2": Part(schedules=120), "surw": Part(schedules=180)}
    worth = coverage_of(stats(parts=parts), "kernel", 2)
    assert worth.depth_bounds == {"2": round(1 - (1 - 1 / 120) ** 120, 4)}
    assert "depth 2" in coverage_line(worth)


def test_each_gate_names_its_blind_spots() -> None:
    assert coverage_of(stats(), "kernel", 2).blind != coverage_of(stats(), "free", 2).blind


def test_the_free_gate_says_that_no_order_is_its_own() -> None:
    worth = coverage_of(stats(parts={"pct:2": Part(schedules=120)}), "free", 2)
    assert worth.blind == (
        "no lane is stopped: orders come as the machine makes them",
        "overlapping calls count as racing, and the loss of a lock is not seen",
    )
    assert worth.depth_bounds == {}


def test_the_kernel_gate_names_its_four_blind_spots() -> None:
    spots = coverage_of(stats(), "kernel", 2).blind
    assert len(spots) == 4
    for word in ("memory", "shared mapping", "polls", "power"):
        assert sum(word in spot for spot in spots) == 1


@pytest.mark.parametrize("exact", [True, False])
def test_the_line_says_every_figure(exact: bool) -> None:
    worth = Coverage(
        schedules=1000,
        distinct_schedules=900,
        distinct_classes=80,
        exact=exact,
        curve=(),
        new_in_last_half=7,
        violation_rate_max=0.003,
        depth_bounds={"2": 0.951, "3": 0.049},
        blind=(),
    )
    about = "" if exact else "about "
    assert coverage_line(worth) == (
        f"worth: {about}900 different schedules in {about}80 classes, 7 of them new in the second half; "
        "with 95 % confidence fewer than 1 in 333 of such schedules violates; "
        "a bug of depth 2 would have shown with at least 95%; "
        "a bug of depth 3 would have shown with at least 5%"
    )


def test_a_chance_of_nearly_nothing_is_not_told() -> None:
    worth = msgspec.structs.replace(coverage_of(stats(), "kernel", 2), depth_bounds={"2": 0.01, "3": 0.004})
    assert coverage_line(worth).endswith("; a bug of depth 2 would have shown with at least 1%")


def test_figures_cannot_be_changed() -> None:
    worth = coverage_of(stats(), "kernel", 2)
    with pytest.raises(AttributeError):
        worth.schedules = 1  # type: ignore[misc]


def test_the_line_promises_nothing_where_nothing_is_known() -> None:
    worth = coverage_of(stats(violations={"crash": 1}), "free", 2)
    assert coverage_line(worth) == (
        "worth: 300 different schedules in 41 classes, 0 of them new in the second half"
    )


@pytest.mark.parametrize(("schedules", "rate"), [(1, 1.0), (3, 1.0), (4, 0.75), (300, 0.01), (7, 0.428571)])
def test_the_rate_is_three_in_the_number_of_schedules(schedules: int, rate: float) -> None:
    assert coverage_of(stats(schedules), "kernel", 2).violation_rate_max == rate


def test_a_kind_of_violation_that_never_came_is_no_violation() -> None:
    assert coverage_of(stats(violations={"crash": 0}), "kernel", 2).violation_rate_max == 0.01


def test_without_a_known_schedule_nothing_is_bounded() -> None:
    for inconclusive in (300, 301):
        worth = coverage_of(stats(inconclusive=inconclusive), "kernel", 2)
        assert (worth.schedules, worth.violation_rate_max) == (0, 1.0)


def test_classes_of_the_second_half_are_counted_from_the_middle() -> None:
    made = Stats(schedules=8, steps=8)
    for index, mark in enumerate([1, 1, 2, 2, 3, 3, 4, 1]):
        made.classes.add(mark, index)
    assert coverage_of(made, "kernel", 2).new_in_last_half == 2


@pytest.mark.parametrize("cut", ["distinct", "classes"])
def test_one_estimate_makes_both_counts_inexact(cut: str) -> None:
    made = stats()
    getattr(made, cut).top = 1 << 63
    assert not coverage_of(made, "kernel", 2).exact


def test_pct_bounds_each_depth_by_its_own_schedules() -> None:
    parts = {"pct:2": Part(schedules=120), "pct:3": Part(schedules=5000), "pct:4": Part(schedules=10)}
    worth = coverage_of(stats(parts=parts), "kernel", 3)
    assert worth.depth_bounds == {
        "2": round(1 - (1 - 1 / 180) ** 120, 4),
        "3": round(1 - (1 - 1 / 10_800) ** 5000, 4),
    }
    parts = {"pct:2": Part(schedules=0)}
    assert coverage_of(stats(parts=parts), "kernel", 3).depth_bounds == {}
    assert coverage_of(stats(0, parts={"pct:2": Part(schedules=1)}), "kernel", 3).depth_bounds == {}


def test_schedules_without_steps_count_as_one_step_long() -> None:
    made = Stats(schedules=10, steps=0, parts={"pct:2": Part(schedules=1), "pct:3": Part(schedules=1)})
    assert coverage_of(made, "kernel", 4).depth_bounds == {"2": 0.25, "3": 0.25}
