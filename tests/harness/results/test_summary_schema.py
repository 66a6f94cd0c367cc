"""The schema of results accepts what is printed, and describes each of its fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from harness.report.results_reference import results_reference
from harness.results.coverage import Coverage
from harness.results.paired import compare
from harness.results.stats import Part
from harness.results.summary import Summary, Word, encode
from harness.results.summary_schema import schema
from tests.harness.results.test_summary import summary
from tests.json_schema import accepts

SCHEMA = schema()
STORED = Path(__file__).parents[3] / "docs" / "reference" / "results.md"
WORTH = Coverage(100, 100, 40, True, ((1, 1), (2, 2)), 5, 0.03, {"2": 0.5}, ("time",))
FULL = summary(
    violations={"crash": 1},
    first_violation={"kind": "crash", "schedule": 3, "witness": "w.json"},
    unexpected=("crash was not expected",),
    parts={"surw": Part(9, 2, 4, {"crash": 2})},
    worth=WORTH,
    workers={"gateway": {"rss_bytes": 5}},
    paired=compare({0: ("crash",), 1: ()}, {0: (), 1: ()}, "old"),
    found_curve=((1, 0), (2, 1)),
    decision_steps={4: 9},
    firsts={"crash": 3},
)


def printed(found: Summary) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(encode(found))
    return result


@pytest.mark.parametrize("found", [summary(), FULL], ids=["least", "most"])
def test_the_schema_accepts_all_printed_results(found: Summary) -> None:
    assert accepts(SCHEMA, printed(found))


@pytest.mark.parametrize(
    "change",
    [
        {"result": "fine"},
        {"seed": "1"},
        {"verdicts": {"racing": 1.5}},
        {"first_violation": 3},
        {"worth": {"schedules": 1}},
        {"parts": {"surw": {"schedules": "9"}}},
        {"found_curve": [["1", 2]]},
    ],
    ids=str,
)
def test_the_schema_rejects_other_types(change: dict[str, Any]) -> None:
    assert not accepts(SCHEMA, printed(FULL) | change)


@pytest.mark.parametrize("name", ["result", "schedules", "violations"])
def test_the_schema_rejects_a_result_without_a_field(name: str) -> None:
    whole = printed(FULL)
    del whole[name]
    assert not accepts(SCHEMA, whole)


def test_every_printed_field_is_in_the_schema_and_described() -> None:
    assert set(printed(FULL)) == set(SCHEMA["properties"])
    for body in (SCHEMA, *SCHEMA["$defs"].values()):
        assert body["description"]
        for name, field in body["properties"].items():
            assert field.get("description"), name


def test_the_stored_reference_is_up_to_date() -> None:
    remedy = "python -m harness schema results --markdown > docs/reference/results.md"
    assert STORED.read_text() == results_reference(), f"make it anew: {remedy}"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "pass"),
        ({"stopped": "time limit"}, "pass"),
        ({"violations": {"crash": 1}}, "expected"),
        ({"violations": {"false_positive": 1}, "information": ("false_positive",)}, "information"),
        ({"not_exercised": ("x",)}, "unexercised"),
        ({"stopped": "interrupted", "not_exercised": ("x",)}, "interrupted"),
        ({"stopped": "interrupted", "why_inconclusive": "x"}, "inconclusive"),
        (
            {"information": ("false_positive",), "unexpected": ("crash",), "why_inconclusive": "x"},
            "unexpected",
        ),
    ],
)
def test_a_result_is_one_word(fields: dict[str, object], word: str) -> None:
    found = printed(summary(**fields))
    assert found["result"] == word
    assert word in get_args(Word)
