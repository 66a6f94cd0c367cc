"""Medians of attempts, also of censored ones, and the rules for a lead."""

from __future__ import annotations

import pytest

from harness.report.versus_table import Attempt, Contest, Row, Side, row_of, rows, totals_of, totals_sentence


def _found(*seconds: float) -> list[Attempt]:
    """Return attempts that found the violation, with ten schedules a second."""
    return [Attempt(one, int(one * 10), True) for one in seconds]


def _censored(*seconds: float, inconclusive: int = 0) -> list[Attempt]:
    return [Attempt(one, int(one * 10), False, inconclusive) for one in seconds]


def _contest(kernel: list[Attempt], free: list[Attempt]) -> Contest:
    return Contest.of(kernel, free, 20.0)


def _row(kernel: list[Attempt], free: list[Attempt], name: str = "a", why_not_run: str = "") -> Row:
    """Return a row with equal figures for started and running workers."""
    contest = _contest(kernel, free)
    return row_of(name, "s", "crash", contest, contest, emulated=False, why_not_run=why_not_run)


def test_the_median_is_taken_over_the_rounds() -> None:
    side = Side.of(_found(9, 1, 2))
    assert (side.seconds, side.schedules, side.censored) == (2, 20, False)
    assert Side.of(_found(4, 1, 2, 9)).seconds == 3


def test_a_censored_attempt_ranks_behind_successful_ones() -> None:
    # One attempt found it after the limit, while the explorers stopped.
    side = Side.of([*_censored(5), *_found(6, 7)])
    assert (side.seconds, side.censored) == (7, False)


def test_a_median_of_mostly_censored_attempts_is_a_lower_bound() -> None:
    assert not Side.of([*_found(1, 2), *_censored(20)]).censored
    side = Side.of([*_found(1), *_censored(20, 20)])
    assert (side.seconds, side.censored) == (20, True)
    # Of an even number, one censored attempt of the two in the middle is enough.
    assert Side.of([*_found(1, 2), *_censored(20, 20)]).censored


def test_the_ratio_compares_the_medians() -> None:
    contest = _contest(_found(1, 2, 3), _found(30, 10, 20))
    assert (contest.ratio, contest.schedules_ratio, contest.bound) == (10, 10, "")
    assert contest.ahead and contest.ten_times


def test_a_tie_is_not_ahead() -> None:
    assert not _contest(_found(2), _found(2)).ahead
    assert not _contest(_found(2), _found(1)).ahead


def test_a_failed_free_gate_counts_with_the_limit() -> None:
    contest = _contest(_found(1, 1, 1), _censored(20, 20, 20))
    assert (contest.ratio, contest.bound, contest.ten_times) == (20, "at least", True)
    slow = _contest(_found(4), _censored(20))
    assert (slow.ahead, slow.ten_times) == (True, False)


def test_a_failed_kernel_gate_is_never_ahead() -> None:
    row = _row(_censored(20), _found(25))
    assert (row.started.ratio, row.started.bound, row.started.ahead) == (1.25, "at most", False)
    assert totals_of([row]).fewer_schedules == 0


def test_without_any_success_there_is_no_ratio() -> None:
    contest = _contest(_censored(20), _censored(20))
    assert (contest.ratio, contest.schedules_ratio, contest.bound) == (None, None, "")
    assert not contest.ahead
    assert not _contest([Attempt(0, 0, False)], _found(1)).ahead


def test_a_gate_without_a_verdict_is_not_compared() -> None:
    assert _row(_found(1), _censored(20, inconclusive=200)).blind
    assert not _row(_found(1), _censored(20, inconclusive=199)).blind
    assert not _row(_found(1), [*_censored(20, inconclusive=200), *_found(3)]).blind
    never, once = _contest(_found(1), _censored(20, inconclusive=200)), _contest(_found(1), _found(3))
    for started, standing in ((never, once), (once, never)):
        assert not row_of("a", "s", "crash", started, standing, emulated=False).blind


def test_totals_count_leads_and_name_the_others() -> None:
    found = [
        _row(_found(1), _found(2), "ahead"),
        _row(_found(1), _censored(20), "far ahead"),
        _row(_found(2), _found(1), "behind"),
        _row(_censored(20), _censored(20), "neither"),
    ]
    totals = totals_of(found)
    assert (totals.compared, totals.ahead, totals.ten_times, totals.fewer_schedules) == (4, 2, 1, 2)
    assert totals.behind == ("behind", "neither")
    assert totals_sentence(totals) == (
        "ahead on 2 of 4 controls, 10 times ahead on 1 (with workers that already run on 2 and 1), "
        "with fewer schedules on 2"
    )


def test_running_workers_are_compared_apart_from_started_ones() -> None:
    started, standing = _contest(_found(1.1), _found(2)), _contest(_found(0.1), _found(1))
    row = row_of("a", "s", "crash", started, standing, emulated=False)
    totals = totals_of([row])
    assert (totals.ahead, totals.ten_times) == (1, 0)
    assert (totals.standing_ahead, totals.standing_ten_times) == (1, 1)
    assert rows([row])[1][4::3][:2] == ("1.8", "10.0")
    # "10 times ahead" counts the start of the workers.
    assert rows([row])[1][-1] == "ahead"
    # "ahead" requires a lead in both comparisons.
    behind = row_of("b", "s", "crash", started, _contest(_found(2), _found(1)), emulated=False)
    totals = totals_of([row, behind])
    assert (totals.ahead, totals.standing_ahead, totals.behind) == (2, 1, ("b",))
    assert rows([behind])[1][-1] == "behind"


def test_seconds_and_schedules_are_compared_separately() -> None:
    row = _row([Attempt(3, 1, True)], [Attempt(1, 5, True)])
    assert (row.started.ahead, totals_of([row]).fewer_schedules) == (False, 1)


@pytest.mark.parametrize(
    ("kernel", "free", "cells"),
    [
        (_found(0.5), _found(1), ("0.500", "1.000", "2.0", "0.500", "1.000", "2.0", "5", "10", "ahead")),
        (
            _found(1),
            _censored(20),
            ("1.000", "> 20.000", ">= 20.0", "1.000", "> 20.000", ">= 20.0", "10", "> 200", "10 times ahead"),
        ),
        (
            _censored(20),
            _found(1),
            ("> 20.000", "1.000", "<= 0.1", "> 20.000", "1.000", "<= 0.1", "> 200", "10", "behind"),
        ),
        (
            _censored(20),
            _censored(20),
            ("> 20.000", "> 20.000", "-", "> 20.000", "> 20.000", "-", "> 200", "> 200", "behind"),
        ),
        (
            _found(1),
            _censored(20, inconclusive=200),
            ("1.000", "> 20.000", ">= 20.0", "1.000", "> 20.000", ">= 20.0", "10", "> 200", "out of reach"),
        ),
    ],
)
def test_the_table_marks_lower_bounds(
    kernel: list[Attempt], free: list[Attempt], cells: tuple[str, ...]
) -> None:
    assert rows([_row(kernel, free)])[1][2:] == cells


def test_a_free_gate_not_run_counts_with_the_limit() -> None:
    row = _row(_found(1), [], why_not_run="faults")
    contest = row.started
    assert (contest.ratio, contest.bound, contest.schedules_ratio) == (20, "at least", None)
    assert (contest.free.attempts, contest.free.seconds, contest.free.censored) == ((), 20, True)
    assert (row.blind, totals_of([row]).ten_times, totals_of([row]).fewer_schedules) == ("faults", 1, 0)
    assert rows([row])[1][-2:] == ("-", "out of reach")
    # If neither finds it, there is no lead.
    neither = _row(_censored(20), [], why_not_run="faults")
    assert (neither.started.ratio, neither.started.ahead) == (None, False)
    assert rows([neither])[1][-1] == "behind"
