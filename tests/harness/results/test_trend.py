"""Runs over time: findings that appeared, findings that went, and schedules to the first."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.errors import FormatError
from harness.report.trend_table import RUNS_MAX, change_lines, trend_rows
from harness.results.summary import encode
from harness.results.trend import Line, Run, Trend, lines_of, trend_of
from tests.harness.results.test_summary import summary


def line(found: int = 0, first: int = 0, **fields: Any) -> Line:
    """Return a stored result of 100 schedules, with so many that crash."""
    violations, firsts = ({"crash": found}, {"crash": first}) if found else ({}, {})
    text = encode(summary(violations=violations, firsts=firsts, **fields))
    (decoded,) = lines_of(text.encode(), "verdicts.jsonl")
    return decoded


def trend(*nights: Line | None) -> Trend:
    """Return the trend of nights, each with one result or none."""
    return trend_of(
        [
            Run(f"run-{number}", f"2026-11-{number + 10} 02:00", () if one is None else (one,))
            for number, one in enumerate(nights)
        ]
    )


def changes(*nights: Line | None) -> list[tuple[int, str]]:
    return [(change.run, change.what) for change in trend(*nights).changes]


UNKNOWN = line(why_inconclusive="a lane moved")


@pytest.mark.parametrize(
    ("nights", "expected"),
    [
        ([line(), line(3)], [(1, "appeared")]),
        ([line(3), line()], [(1, "went")]),
        ([line(3), line(5), line(), line(), line(1)], [(2, "went"), (4, "appeared")]),
        ([line(3), line(1)], []),
        ([line(), line()], []),
        ([line(3)], []),
        # A run that did not ask, or does not know, is passed over.
        ([line(3), None, line()], [(2, "went")]),
        ([line(3), UNKNOWN, line(2)], []),
        ([line(3), UNKNOWN], []),
        ([line(3), line(schedules=0)], []),
        ([line(3), line(not_exercised=("x",))], []),
        ([None, line(3)], []),
        # A finding of an inconclusive run is proved all the same.
        ([line(), line(2, why_inconclusive="x")], [(1, "appeared")]),
    ],
)
def test_a_change_is_between_two_runs_that_know_the_answer(
    nights: list[Line | None], expected: list[tuple[int, str]]
) -> None:
    assert changes(*nights) == expected


def test_the_table_has_the_schedules_to_the_first() -> None:
    head, row = trend_rows(trend(line(3, 41), line(), None, UNKNOWN, line(1, 0)))
    assert head == ("scenario", "fence", "violation", *(f"11-{day} 02:00" for day in range(10, 15)))
    assert row == ("s", "f", "crash", "42", "-", "", "?", "1")


def test_the_first_of_another_kind_is_unknown_in_an_old_run() -> None:
    told = {"kind": "dead_end", "schedule": 6, "witness": None}
    text = encode(summary(violations={"crash": 3, "dead_end": 1}, first_violation=told))
    (old,) = lines_of(text.replace('"firsts":{}', '"later":1').encode(), "verdicts.jsonl")
    _, crash, dead_end = trend_rows(trend(old))
    assert (crash[3], dead_end[3]) == ("yes", "7")


def test_a_change_is_told_with_its_dates() -> None:
    told = change_lines(trend(line(), line(3, 41), line()))
    assert told == [
        "2026-11-11 02:00  appeared  s / f: crash in 3 of 100 schedules, the first after 42; "
        "not on 2026-11-10 02:00",
        "2026-11-12 02:00  went      s / f: crash not in 100 schedules; there on 2026-11-11 02:00",
    ]


def test_a_long_history_shows_its_last_runs() -> None:
    head, row = trend_rows(trend(*[line(1, number) for number in range(20)]))
    assert len(head) == 3 + RUNS_MAX
    assert row[3:] == tuple(str(number + 1) for number in range(12, 20))


def test_scenarios_of_one_name_stay_apart() -> None:
    both = Run("a", "2026-11-10 02:00", (line(2), line(), line(5)))
    found = trend_of([both, both])
    assert [(one[0], one[3][0].violating) for one in found.violations] == [("s", 2), ("s (3)", 5)]


@pytest.mark.parametrize("bad", [b"{", b"[]", b'{"scenario": 3}', b"\xff", b"\n"])
def test_a_line_that_is_no_result_is_named(bad: bytes) -> None:
    good = encode(summary()).encode()
    with pytest.raises(FormatError, match=r"^dir/verdicts\.jsonl:2: .*; expected it as `run` wrote it"):
        lines_of(good + b"\n" + bad, "dir/verdicts.jsonl")
