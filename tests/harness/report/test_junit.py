"""JUnit XML: one testcase for each scenario and fence, with any message of a fence."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from harness.report.junit import junit
from harness.report.result_case import Case
from tests.harness.report.cases import HOSTILE, case

CASES = [
    case(fence="good", file="a/s.yaml"),
    case(
        "the story\nreplay: x", fence="bad", file="a/s.yaml", line=9, unexpected=("crash was not expected",)
    ),
    case(fence="odd", file="b/t.yaml", why_inconclusive="a lane moved"),
    Case("b/t.yaml", 1, "late"),
]


def _read(cases: Sequence[Case]) -> ElementTree.Element:
    return ElementTree.fromstring(junit(cases))


def test_each_scenario_and_fence_is_one_testcase() -> None:
    root = _read(CASES)
    assert [(one.get("classname"), one.get("name")) for one in root.iter("testcase")] == [
        ("a/s", "good"), ("a/s", "bad"), ("b/t", "odd"), ("b/t", "late"),
    ]  # fmt: skip
    assert [suite.get("name") for suite in root] == ["a/s", "b/t"]


def test_counts_match_the_content() -> None:
    root = _read(CASES)
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "2", "0"]
    for suite in root:
        assert suite.get("tests") == str(len(list(suite.iter("testcase"))))
        assert suite.get("failures") == str(len(list(suite.iter("failure"))))
        assert suite.get("errors") == str(len(list(suite.iter("error"))))


def test_a_failure_tells_the_story_and_the_replay_command() -> None:
    (failure,) = _read(CASES).iter("failure")
    assert failure.get("message") == "crash was not expected"
    assert failure.text == "the story\nreplay: x"


def test_inconclusive_and_missing_results_are_errors() -> None:
    errors = list(_read(CASES).iter("error"))
    assert [error.get("message") for error in errors] == [
        "inconclusive: a lane moved",
        "not run: the run ended before its turn",
    ]
    assert [error.get("type") for error in errors] == ["inconclusive", "not run"]


def test_a_case_points_into_the_scenario_file() -> None:
    bad = list(_read(CASES).iter("testcase"))[1]
    assert (bad.get("file"), bad.get("line"), bad.get("time")) == ("a/s.yaml", "9", "0.500")


def test_hostile_text_keeps_the_document_well_formed() -> None:
    root = _read([case(HOSTILE, fence=HOSTILE, file=f"{HOSTILE}.yaml", unexpected=(HOSTILE,))])
    (failure,) = root.iter("failure")
    assert failure.text is not None
    assert "<script>alert(1)</script> & ]]>" in failure.text
    assert r"\x00\x1b[31m\ud800\ufffe" in failure.text
    assert len(list(root.iter())) == 5


def test_without_cases_there_is_still_a_document() -> None:
    assert _read([]).get("tests") == "0"
