"""The summary of a result, for scripts and for people."""

from __future__ import annotations

import json

import msgspec
import pytest

from harness.oracle import COUNTED
from harness.results.stats import Part, Stats
from harness.results.summary import Summary, encode, found_by, rows, unmet

#: Part of the command line's contract.
FIELDS = {
    *("scenario", "fence", "policy", "gate", "strategy", "seed", "schedules", "steps", "verdicts"),
    *("violations", "first_violation", "expected", "exhausted", "inconclusive", "wall_s", "steps_per_s"),
}


def summary(**fields: object) -> Summary:
    values: dict[str, object] = {
        "scenario": "s", "fence": "f", "policy": "p", "gate": "kernel", "strategy": "random", "seed": 1,
        "schedules": 100, "steps": 2000, "verdicts": dict.fromkeys(COUNTED, 0) | {"true_negative": 90},
        "violations": {}, "first_violation": None, "expected": True, "exhausted": False, "inconclusive": 0,
        "wall_s": 0.5, "steps_per_s": 4000.0, "stuck": 0, "absorbed": 0, "late": 0, "inode_reused": 0,
        "started_anew": 0,
        "repeated": 2, "histories": "00", "explorers": 1,
    }  # fmt: skip
    return Summary(**(values | fields))  # type: ignore[arg-type]


def row(**fields: object) -> dict[str, str]:
    head, found = rows([summary(**fields)])
    return dict(zip(head, found, strict=True))


def test_one_object_a_line_has_every_field_of_the_contract() -> None:
    line = encode(summary(first_violation={"kind": "crash", "schedule": 3, "witness": "w.json"}))
    assert "\n" not in line
    found = json.loads(line)
    assert set(found) >= FIELDS
    assert set(found["verdicts"]) == set(COUNTED)
    assert found["first_violation"] == {"kind": "crash", "schedule": 3, "witness": "w.json"}
    assert found["expected"] is True
    assert msgspec.json.decode(line, type=Summary).seed == 1


def test_without_a_violation_the_first_one_is_null() -> None:
    assert json.loads(encode(summary()))["first_violation"] is None


@pytest.mark.parametrize(
    ("found", "must", "may", "surplus", "lacking"),
    [
        ({}, [], [], [], []),
        ({"crash": 2}, [], [], ["crash"], []),
        ({"dead_end": 1, "crash": 2}, [], [], ["crash", "dead_end"], []),
        ({"crash": 2}, ["crash"], [], [], []),
        ({"crash": 2}, [], ["crash"], [], []),
        ({}, [], ["crash"], [], []),
        ({}, ["crash", "dead_end"], [], [], ["crash", "dead_end"]),
        ({"dead_end": 1}, ["crash"], [], ["dead_end"], ["crash"]),
        ({"crash": 0}, ["crash"], [], [], ["crash"]),
        ({"crash": 0}, [], [], [], []),
    ],
)
def test_unmet_names_the_differences_from_the_expectation(
    found: dict[str, int], must: list[str], may: list[str], surplus: list[str], lacking: list[str]
) -> None:
    assert unmet(Stats(violations=found), must, may) == (surplus, lacking)


def test_a_row_adds_the_decisions_up() -> None:
    found = row(
        verdicts=dict(zip(COUNTED, (1, 20, 3, 4, 5), strict=True)),
        violations={"false_positive": 3, "missed_takeover": 4, "dead_end": 2, "crash": 1}, stuck=6,
    )  # fmt: skip
    assert found["decisions"] == "33"
    assert (found["false pos."], found["missed"], found["stuck"]) == ("3", "4", "6")
    assert found["other violations"] == "crash 1, dead_end 2"
    assert (found["schedules"], found["schedules/s"], found["steps/s"]) == ("100", "200", "4000")


def test_no_other_violation_is_a_dash() -> None:
    assert row()["other violations"] == "-"
    assert row(violations={"crash": 0})["other violations"] == "-"
    assert row(wall_s=0.0)["schedules/s"] == "-"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "pass"),
        ({"violations": {"crash": 1}}, "violation, as expected"),
        ({"why_inconclusive": "why"}, "inconclusive"),
        ({"why_inconclusive": "why", "violations": {"crash": 1}}, "inconclusive"),
        ({"unexpected": ("crash",), "violations": {"crash": 1}, "why_inconclusive": "why"}, "UNEXPECTED"),
        ({"stopped": "interrupted"}, "interrupted"),
        ({"stopped": "interrupted", "why_inconclusive": "why"}, "inconclusive"),
        ({"stopped": "time limit"}, "pass"),
    ],
)
def test_an_inconclusive_result_is_never_a_pass(fields: dict[str, object], words: str) -> None:
    assert row(**fields)["result"] == words


def test_the_table_has_one_row_a_summary() -> None:
    found = rows([summary(fence="one"), summary(fence="two")])
    assert len(found) == 3
    assert len({len(some) for some in found}) == 1
    assert [some[1] for some in found] == ["fence", "one", "two"]


def test_strategies_are_listed_by_their_findings() -> None:
    parts = {"pct:2": Part(80, 3, 5), "pos": Part(40), "surw": Part(250, 12, 0), "random": Part(30, 3, 1)}
    assert found_by(parts) == "found by: surw 12 of 250, pct:2 3 of 80, random 3 of 30"


@pytest.mark.parametrize("parts", [{}, {"surw": Part(9, 9, 0)}, {"surw": Part(9), "pos": Part(9)}])
def test_one_strategy_or_no_finding_gives_no_list(parts: dict[str, Part]) -> None:
    assert found_by(parts) == ""


def test_parts_are_objects_by_name() -> None:
    found = json.loads(encode(summary(parts={"surw": Part(9, 2, 4, {"crash": 2})})))
    assert found["parts"] == {"surw": {"schedules": 9, "found": 2, "first": 4, "violations": {"crash": 2}}}
