"""A case is a pass, a failure or an error, and its cell says so."""

from __future__ import annotations

import pytest

from harness.oracle import COUNTED
from harness.report.result_case import Case, cell, grid
from tests.harness.report.cases import case
from tests.harness.results.test_summary import summary

NONE = dict.fromkeys(COUNTED, 0)


def test_an_expected_result_is_neither_failure_nor_error() -> None:
    found = case(violations={"crash": 3})
    assert (found.failure, found.error) == ("", "")


def test_an_unexpected_result_is_a_failure_even_if_also_inconclusive() -> None:
    found = case(unexpected=("crash was not expected", "more"), why_inconclusive="unknown")
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
def test_an_inconclusive_result_is_an_error(fields: dict[str, object], error: str) -> None:
    assert case(**fields).error == error


def test_a_missing_result_is_an_error() -> None:
    assert Case("s.yaml", 1, "f").error == "not run: the run ended before its turn"


@pytest.mark.parametrize(
    ("fields", "text"),
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
def test_a_cell_shows_violations_and_counts(fields: dict[str, object], text: str) -> None:
    ordered = ", ".join(sorted(text.split(", ")))
    assert ", ".join(sorted(cell(summary(**fields)).split(", "))) == ordered


def test_a_grid_has_scenarios_as_lines_and_fences_as_columns() -> None:
    found = grid(
        [
            summary(scenario="a", fence="one"),
            summary(scenario="a", fence="two", violations={"crash": 2}),
            summary(scenario="b", fence="one"),
        ]
    )
    assert found == [("scenario", "one", "two"), ("a", "pass", "crash 2"), ("b", "pass", "-")]


def test_equal_scenario_names_in_two_folders_have_separate_lines() -> None:
    found = grid([summary(scenario="a", fence="one"), summary(scenario="a", fence="one", stuck=1)])
    assert found == [("scenario", "one"), ("a", "pass"), ("a", "stuck 1")]
