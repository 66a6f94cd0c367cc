"""JUnit XML: a testcase a scenario and fence, whatever a fence says."""

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


def test_there_is_one_testcase_a_scenario_and_fence() -> None:
    root = _read(CASES)
    assert [(one.get("classname"), one.get("name")) for one in root.iter("testcase")] == [
        ("a/s", "good"), ("a/s", "bad"), ("b/t", "odd"), ("b/t", "late"),
    ]  # fmt: skip
    assert [suite.get("name") for suite in root] == ["a/s", "b/t"]


def test_counts_are_those_of_what_is_inside() -> None:
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


def test_what_is_inconclusive_or_was_not_run_is_an_error() -> None:
    errors = list(_read(CASES).iter("error"))
    assert [error.get("message") for error in errors] == [
        "inconclusive: a lane moved",
        "not run: the run ended before its turn",
    ]
    assert [error.get("type") for error in errors] == ["inconclusive", "not run"]


def test_a_case_points_into_the_scenario_file() -> None:
    bad = list(_read(CASES).iter("testcase"))[1]
    assert (bad.get("file"), bad.get("line"), bad.get("time")) == ("a/s.yaml", "9", "0.500")


def test_hostile_text_stays_text_and_the_document_well_formed() -> None:
    root = _read([case(HOSTILE, fence=HOSTILE, file=f"{HOSTILE}.yaml", unexpected=(HOSTILE,))])
    (failure,) = root.iter("failure")
    assert failure.text is not None
    assert "<script>alert(1)</script> & ]]>" in failure.text
    assert r"\x00\x1b[31m\ud800\ufffe" in failure.text
    assert len(list(root.iter())) == 5


def test_no_case_is_a_document_as_well() -> None:
    assert _read([]).get("tests") == "0"
