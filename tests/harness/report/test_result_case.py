"""A case is a pass, a failure or an error, and tells itself in a cell."""

from __future__ import annotations

import pytest

from harness.oracle import COUNTED
from harness.report.result_case import Case, cell, grid
from tests.harness.report.cases import case
from tests.harness.results.test_summary import summary

NONE = dict.fromkeys(COUNTED, 0)


def test_as_expected_is_neither_failure_nor_error() -> None:
    found = case(violations={"crash": 3})
    assert (found.failure, found.error) == ("", "")


def test_what_was_not_expected_is_a_failure_whatever_else_is_unknown() -> None:
    found = case(unexpected=("crash was not expected", "more"), why_inconclusive="who knows")
    assert (found.failure, found.error) == ("crash was not expected; more", "")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"why_inconclusive": "a lane moved"}, "inconclusive: a lane moved"),
        ({"stopped": "interrupted"}, "inconclusive: interrupted after 100 schedules"),
        (
            {"stopped": "interrupted", "why_inconclusive": "x"},
            "inconclusive: interrupted after 100 schedules",
        ),
        ({"stopped": "time limit"}, ""),
    ],
)
def test_what_is_not_known_is_an_error(fields: dict[str, object], error: str) -> None:
    assert case(**fields).error == error


def test_what_was_not_run_is_an_error() -> None:
    assert Case("s.yaml", 1, "f").error == "not run: the run ended before its turn"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "pass"),
        (
            {"verdicts": NONE | {"false_positive": 5, "missed_takeover": 2}, "stuck": 4,
             "violations": {"missed_takeover": 1, "lost_entry": 7, "false_positive": 3}},
            "false pos. 5, missed 2, stuck 4, lost entry 7",
        ),
        ({"violations": {"crash": 1}, "unexpected": ("x",)}, "UNEXPECTED crash 1"),
        ({"unexpected": ("crash was expected",)}, "UNEXPECTED nothing found"),
        ({"violations": {"crash": 1}, "why_inconclusive": "x"}, "inconclusive, crash 1"),
        ({"stopped": "interrupted"}, "interrupted"),
    ],
)  # fmt: skip
def test_a_cell_tells_what_was_found_and_how_often(fields: dict[str, object], told: str) -> None:
    ordered = ", ".join(sorted(told.split(", ")))
    assert ", ".join(sorted(cell(summary(**fields)).split(", "))) == ordered


def test_a_grid_has_a_line_a_scenario_and_a_column_a_fence() -> None:
    found = grid(
        [
            summary(scenario="a", fence="one"),
            summary(scenario="a", fence="two", violations={"crash": 2}),
            summary(scenario="b", fence="one"),
        ]
    )
    assert found == [("scenario", "one", "two"), ("a", "pass", "crash 2"), ("b", "pass", "-")]


def test_scenarios_of_the_same_name_in_two_folders_have_a_line_each() -> None:
    found = grid([summary(scenario="a", fence="one"), summary(scenario="a", fence="one", stuck=1)])
    assert found == [("scenario", "one"), ("a", "pass"), ("a", "stuck 1")]
