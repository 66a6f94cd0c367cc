"""Medians of attempts that may have found nothing, and what counts as ahead."""

from __future__ import annotations

import pytest

from harness.report.versus import Attempt, Row, Side, row_of, rows, told, totals_of


def _found(*seconds: float) -> list[Attempt]:
    """Attempts that found it, ten schedules a second."""
    return [Attempt(one, int(one * 10), True) for one in seconds]


def _vain(*seconds: float, inconclusive: int = 0) -> list[Attempt]:
    return [Attempt(one, int(one * 10), False, inconclusive) for one in seconds]


def _row(kernel: list[Attempt], free: list[Attempt], name: str = "a", barred: str = "") -> Row:
    return row_of(name, "s", "crash", kernel, free, limit_s=20.0, emulated=False, barred=barred)


def test_the_median_is_that_of_the_rounds() -> None:
    side = Side.of(_found(9, 1, 2))
    assert (side.seconds, side.schedules, side.censored) == (2, 20, False)
    assert Side.of(_found(4, 1, 2, 9)).seconds == 3


def test_an_attempt_in_vain_stands_behind_each_that_found_something() -> None:
    # Found after the limit, while the explorers were coming to an end.
    side = Side.of([*_vain(5), *_found(6, 7)])
    assert (side.seconds, side.censored) == (7, False)


def test_a_median_is_a_lower_bound_where_most_attempts_were_in_vain() -> None:
    assert not Side.of([*_found(1, 2), *_vain(20)]).censored
    side = Side.of([*_found(1), *_vain(20, 20)])
    assert (side.seconds, side.censored) == (20, True)
    # Of an even number, one of the two in the middle is enough.
    assert Side.of([*_found(1, 2), *_vain(20, 20)]).censored


def test_the_ratio_is_that_of_the_medians() -> None:
    row = _row(_found(1, 2, 3), _found(30, 10, 20))
    assert (row.ratio, row.schedules_ratio, row.bound) == (10, 10, "")
    assert row.ahead
    assert totals_of([row]).ten_times == 1


def test_a_tie_is_not_ahead() -> None:
    assert not _row(_found(2), _found(2)).ahead
    assert not _row(_found(2), _found(1)).ahead


def test_what_the_free_gate_does_not_find_counts_as_found_at_the_limit() -> None:
    row = _row(_found(1, 1, 1), _vain(20, 20, 20))
    assert (row.ratio, row.bound, totals_of([row]).ten_times) == (20, "at least", 1)
    slow = _row(_found(4), _vain(20))
    assert (slow.ahead, totals_of([slow]).ten_times) == (True, 0)


def test_what_the_kernel_gate_does_not_find_is_never_ahead() -> None:
    row = _row(_vain(20), _found(25))
    assert (row.ratio, row.bound) == (1.25, "at most")
    assert not row.ahead
    assert totals_of([row]).fewer_schedules == 0


def test_where_neither_finds_it_there_is_no_ratio() -> None:
    row = _row(_vain(20), _vain(20))
    assert (row.ratio, row.schedules_ratio, row.bound, row.ahead) == (None, None, "", False)
    assert not _row([Attempt(0, 0, False)], _found(1)).ahead


def test_a_gate_that_never_came_to_a_verdict_was_not_compared() -> None:
    assert _row(_found(1), _vain(20, inconclusive=200)).blind
    assert not _row(_found(1), _vain(20, inconclusive=199)).blind
    assert not _row(_found(1), [*_vain(20, inconclusive=200), *_found(3)]).blind


def test_totals_say_on_how_many_and_name_the_others() -> None:
    found = [
        _row(_found(1), _found(2), "ahead"),
        _row(_found(1), _vain(20), "far ahead"),
        _row(_found(2), _found(1), "behind"),
        _row(_vain(20), _vain(20), "nobody"),
    ]
    totals = totals_of(found)
    assert (totals.compared, totals.ahead, totals.ten_times, totals.fewer_schedules) == (4, 2, 1, 2)
    assert totals.behind == ("behind", "nobody")
    assert told(totals) == (
        "ahead on 2 of 4 controls, 10 times ahead on 1 (without the start of the workers on 2 and 1), "
        "with fewer schedules on 2"
    )


def test_the_start_of_the_workers_is_told_apart_from_the_search() -> None:
    row = _row([Attempt(1.1, 1, True, start_s=1.0)], [Attempt(2, 9, True, start_s=1.0)])
    assert (row.kernel.search_s, row.free.search_s) == (0.1, 1.0)
    assert (row.ratio, row.search_ratio) == (1.82, 10)
    totals = totals_of([row])
    assert (totals.ahead, totals.ten_times, totals.search_ahead, totals.search_ten_times) == (1, 0, 1, 1)


def test_seconds_and_schedules_are_compared_apart() -> None:
    row = _row([Attempt(3, 1, True)], [Attempt(1, 5, True)])
    assert (row.ahead, totals_of([row]).fewer_schedules) == (False, 1)


@pytest.mark.parametrize(
    ("kernel", "free", "cells"),
    [
        (_found(0.5), _found(1), ("0.50", "1.00", "2.0", "0.50", "1.00", "2.0", "5", "10", "ahead")),
        (
            _found(1),
            _vain(20),
            ("1.00", "> 20.00", ">= 20.0", "1.00", "> 20.00", ">= 20.0", "10", "> 200", "10 times ahead"),
        ),
        (
            _vain(20),
            _found(1),
            ("> 20.00", "1.00", "<= 0.1", "> 20.00", "1.00", "<= 0.1", "> 200", "10", "behind"),
        ),
        (
            _vain(20),
            _vain(20),
            ("> 20.00", "> 20.00", "-", "> 20.00", "> 20.00", "-", "> 200", "> 200", "behind"),
        ),
        (
            _found(1),
            _vain(20, inconclusive=200),
            ("1.00", "> 20.00", ">= 20.0", "1.00", "> 20.00", ">= 20.0", "10", "> 200", "out of reach"),
        ),
    ],
)
def test_the_table_marks_lower_bounds(
    kernel: list[Attempt], free: list[Attempt], cells: tuple[str, ...]
) -> None:
    assert rows([_row(kernel, free)])[1][2:] == cells


def test_what_the_free_gate_was_not_asked_stands_with_the_limit_and_has_no_schedules() -> None:
    row = _row(_found(1), [], barred="faults")
    assert (row.blind, row.ratio, row.bound, row.schedules_ratio) == ("faults", 20, "at least", None)
    assert (row.free.attempts, row.free.seconds, row.free.censored) == ((), 20, True)
    assert (totals_of([row]).ten_times, totals_of([row]).fewer_schedules) == (1, 0)
    assert rows([row])[1][-2:] == ("-", "out of reach")
    # What neither finds is no lead.
    neither = _row(_vain(20), [], barred="faults")
    assert (neither.ratio, neither.ahead, rows([neither])[1][-1]) == (None, False, "behind")


def test_the_table_begins_with_what_is_worst() -> None:
    found = [
        _row(_found(1), _vain(20), "best"),
        _row(_found(2), _found(1), "worst"),
        _row(_found(1), _found(2), "so-so"),
    ]
    assert [row[0] for row in rows(found)[1:]] == ["worst", "so-so", "best"]
