"""Medians of attempts that may have found nothing, and what counts as ahead."""

from __future__ import annotations

import pytest

from harness.report.versus_table import Attempt, Contest, Row, Side, row_of, rows, told, totals_of


def _found(*seconds: float) -> list[Attempt]:
    """Attempts that found it, ten schedules a second."""
    return [Attempt(one, int(one * 10), True) for one in seconds]


def _vain(*seconds: float, inconclusive: int = 0) -> list[Attempt]:
    return [Attempt(one, int(one * 10), False, inconclusive) for one in seconds]


def _contest(kernel: list[Attempt], free: list[Attempt]) -> Contest:
    return Contest.of(kernel, free, 20.0)


def _row(kernel: list[Attempt], free: list[Attempt], name: str = "a", barred: str = "") -> Row:
    """The same whether workers were started or stood."""
    contest = _contest(kernel, free)
    return row_of(name, "s", "crash", contest, contest, emulated=False, barred=barred)


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
    contest = _contest(_found(1, 2, 3), _found(30, 10, 20))
    assert (contest.ratio, contest.schedules_ratio, contest.bound) == (10, 10, "")
    assert contest.ahead and contest.ten_times


def test_a_tie_is_not_ahead() -> None:
    assert not _contest(_found(2), _found(2)).ahead
    assert not _contest(_found(2), _found(1)).ahead


def test_what_the_free_gate_does_not_find_counts_as_found_at_the_limit() -> None:
    contest = _contest(_found(1, 1, 1), _vain(20, 20, 20))
    assert (contest.ratio, contest.bound, contest.ten_times) == (20, "at least", True)
    slow = _contest(_found(4), _vain(20))
    assert (slow.ahead, slow.ten_times) == (True, False)


def test_what_the_kernel_gate_does_not_find_is_never_ahead() -> None:
    row = _row(_vain(20), _found(25))
    assert (row.started.ratio, row.started.bound, row.started.ahead) == (1.25, "at most", False)
    assert totals_of([row]).fewer_schedules == 0


def test_where_neither_finds_it_there_is_no_ratio() -> None:
    contest = _contest(_vain(20), _vain(20))
    assert (contest.ratio, contest.schedules_ratio, contest.bound) == (None, None, "")
    assert not contest.ahead
    assert not _contest([Attempt(0, 0, False)], _found(1)).ahead


def test_a_gate_that_never_came_to_a_verdict_was_not_compared() -> None:
    assert _row(_found(1), _vain(20, inconclusive=200)).blind
    assert not _row(_found(1), _vain(20, inconclusive=199)).blind
    assert not _row(_found(1), [*_vain(20, inconclusive=200), *_found(3)]).blind
    never, once = _contest(_found(1), _vain(20, inconclusive=200)), _contest(_found(1), _found(3))
    for started, standing in ((never, once), (once, never)):
        assert not row_of("a", "s", "crash", started, standing, emulated=False).blind


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
        "ahead on 2 of 4 controls, 10 times ahead on 1 (where workers stand already on 2 and 1), "
        "with fewer schedules on 2"
    )


def test_workers_that_stand_are_told_apart_from_those_that_are_started() -> None:
    started, standing = _contest(_found(1.1), _found(2)), _contest(_found(0.1), _found(1))
    row = row_of("a", "s", "crash", started, standing, emulated=False)
    totals = totals_of([row])
    assert (totals.ahead, totals.ten_times) == (1, 0)
    assert (totals.standing_ahead, totals.standing_ten_times) == (1, 1)
    assert rows([row])[1][4::3][:2] == ("1.8", "10.0")
    # Ten times ahead is who is so with the start of its workers.
    assert rows([row])[1][-1] == "ahead"
    # Ahead is who is ahead in both.
    behind = row_of("b", "s", "crash", started, _contest(_found(2), _found(1)), emulated=False)
    totals = totals_of([row, behind])
    assert (totals.ahead, totals.standing_ahead, totals.behind) == (2, 1, ("b",))
    assert rows([behind])[1][-1] == "behind"


def test_seconds_and_schedules_are_compared_apart() -> None:
    row = _row([Attempt(3, 1, True)], [Attempt(1, 5, True)])
    assert (row.started.ahead, totals_of([row]).fewer_schedules) == (False, 1)


@pytest.mark.parametrize(
    ("kernel", "free", "cells"),
    [
        (_found(0.5), _found(1), ("0.500", "1.000", "2.0", "0.500", "1.000", "2.0", "5", "10", "ahead")),
        (
            _found(1),
            _vain(20),
            ("1.000", "> 20.000", ">= 20.0", "1.000", "> 20.000", ">= 20.0", "10", "> 200", "10 times ahead"),
        ),
        (
            _vain(20),
            _found(1),
            ("> 20.000", "1.000", "<= 0.1", "> 20.000", "1.000", "<= 0.1", "> 200", "10", "behind"),
        ),
        (
            _vain(20),
            _vain(20),
            ("> 20.000", "> 20.000", "-", "> 20.000", "> 20.000", "-", "> 200", "> 200", "behind"),
        ),
        (
            _found(1),
            _vain(20, inconclusive=200),
            ("1.000", "> 20.000", ">= 20.0", "1.000", "> 20.000", ">= 20.0", "10", "> 200", "out of reach"),
        ),
    ],
)
def test_the_table_marks_lower_bounds(
    kernel: list[Attempt], free: list[Attempt], cells: tuple[str, ...]
) -> None:
    assert rows([_row(kernel, free)])[1][2:] == cells


def test_what_the_free_gate_was_not_asked_stands_with_the_limit_and_has_no_schedules() -> None:
    row = _row(_found(1), [], barred="faults")
    contest = row.started
    assert (contest.ratio, contest.bound, contest.schedules_ratio) == (20, "at least", None)
    assert (contest.free.attempts, contest.free.seconds, contest.free.censored) == ((), 20, True)
    assert (row.blind, totals_of([row]).ten_times, totals_of([row]).fewer_schedules) == ("faults", 1, 0)
    assert rows([row])[1][-2:] == ("-", "out of reach")
    # What neither finds is no lead.
    neither = _row(_vain(20), [], barred="faults")
    assert (neither.started.ratio, neither.started.ahead) == (None, False)
    assert rows([neither])[1][-1] == "behind"
