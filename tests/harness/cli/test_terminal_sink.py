"""The output of a run: a line for each of many questions, two for a failure, stories where they are few."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.cli.display import Display
from harness.cli.sink import Ending
from harness.cli.terminal_sink import Telling, TerminalSink
from harness.model.history import Absent, End, Header, History
from harness.model.program import Filesystem, Program
from harness.model.schedule import Schedule
from harness.oracle import Judgement, Violation
from harness.results.stats import Finding
from tests.harness.results.test_summary import summary

QUIET, VERBOSE, FAILURES = Telling(quiet=True), Telling(verbose=True), Telling(only_failures=True)
DETAIL = "runner admitted\nits write"


def answer(**fields: Any) -> Any:
    """Return an answer; one with something unexpected has a stored witness."""
    found = summary(**fields)
    first = {}
    if found.unexpected:
        header = Header("s", "f", "kernel", "random", "p", {}, 1, 2, (), Absent)
        judgement = Judgement((), (Violation("crash", 0, -1, 0, DETAIL),))
        history = History(header, (End(Absent),))
        first = {
            "crash": Finding("crash", 2, Program((), (), Filesystem(), 0), Schedule(()), history, judgement)
        }
    result = SimpleNamespace(stats=SimpleNamespace(first=first), accuses=lambda kind: True)
    stored = {kind: SimpleNamespace(path="no/such/w.json") for kind in first}
    search = SimpleNamespace(schedules=100, seed=1)
    task = SimpleNamespace(file="a b.yaml", search=search)
    return SimpleNamespace(
        summary=found, result=result, task=task, witnesses=stored, shrunk={}, known=(), checkpoint=None
    )


PASS = answer(scenario="good")
FAIL = answer(
    scenario="bad", unexpected=("crash was not expected",), violations={"crash": 4},
    first_violation={"kind": "crash", "schedule": 2, "witness": "no/such/w.json"},
)  # fmt: skip
UNKNOWN = answer(scenario="odd", why_inconclusive="a lane moved")


def shown(
    capsys: pytest.CaptureFixture[str],
    telling: Telling,
    *answers: Any,
    planned: int = 80,
    json: bool = False,
    note: str = "",
) -> list[str]:
    sink = TerminalSink(Display(json), telling)
    sink.begin([FAIL.task] * planned)
    for one in answers:
        sink.add(one)
    sink.end(Ending("not as expected", "", "report.html", note))
    return capsys.readouterr().out.splitlines()


def test_each_of_many_questions_is_a_line_and_a_failure_two(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, Telling(), PASS, FAIL, UNKNOWN)
    assert lines[:5] == [
        "pass         good / f: 100 schedules, 0.5 s",
        "UNEXPECTED   bad / f: crash in 4 of 100 schedules, 0.5 s: runner admitted its write",
        f"             {lines[2].strip()}",
        "inconclusive odd / f: 100 schedules, 0.5 s: a lane moved",
        f"             {lines[4].strip()}",
    ]
    assert lines[2].endswith(" -m harness replay no/such/w.json")
    assert lines[4].endswith(" -m harness run 'a b.yaml' --fence f --seed 1 -v")
    # The table is last, then the counts and the page.
    assert [line.split()[:2] for line in lines[5:10]] == [
        [],
        ["scenario", "fence"],
        ["good", "f"],
        ["bad", "f"],
        ["odd", "f"],
    ]
    assert lines[10:] == ["", "3 questions: 1 unexpected, 1 inconclusive, 1 pass", "report: report.html"]


def test_a_question_is_asked_again_with_the_options_of_the_search(capsys: pytest.CaptureFixture[str]) -> None:
    sink = TerminalSink(Display(False), QUIET, ["--gate", "kernel", "--invariant", "a b.py:rule"])
    sink.begin([FAIL.task] * 80)
    sink.add(UNKNOWN)
    asked = "--fence f --seed 1 --gate kernel --invariant 'a b.py:rule' -v"
    assert capsys.readouterr().out.splitlines()[1].endswith(f" -m harness run 'a b.yaml' {asked}")


def test_each_command_is_spelled_as_the_user_called_the_harness(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["/x/takeover_harness/__main__.py"])
    lines = shown(capsys, Telling(quiet=True), FAIL, UNKNOWN)
    assert [line.partition(" -m ")[2].split()[:2] for line in (lines[1], lines[3])] == [
        ["takeover_harness", "replay"],
        ["takeover_harness", "run"],
    ]


@pytest.mark.parametrize(("telling", "planned"), [(VERBOSE, 80), (Telling(), 4)])
def test_stories_are_told_when_asked_or_when_questions_are_few(
    capsys: pytest.CaptureFixture[str], telling: Telling, planned: int
) -> None:
    lines = shown(capsys, telling, FAIL, planned=planned)
    assert lines[0].startswith("bad / f: crash in 4 schedules")
    assert lines[1] == "  UNEXPECTED: crash was not expected"
    assert lines[2].startswith("  crash: runner admitted")


def test_quiet_shows_failures_and_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, QUIET, PASS, FAIL, planned=2)
    assert [line.split()[0] for line in lines] == ["UNEXPECTED", "replay:", "2", "report:"]
    assert lines[2] == "2 questions: 1 unexpected, 1 pass"


def test_only_failures_leaves_a_pass_out_of_lines_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, FAILURES, PASS, FAIL)
    assert not [line for line in lines if line.startswith("good") or " good " in line]
    assert [line for line in lines if line.startswith("bad")]
    assert "2 questions: 1 unexpected, 1 pass" in lines
    assert shown(capsys, FAILURES, PASS) == ["", "1 question: 1 pass", "report: report.html"]


def test_only_failures_holds_for_json_and_quiet_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = shown(capsys, FAILURES, PASS, FAIL, json=True)
    assert '"scenario":"bad"' in line
    assert len(shown(capsys, Telling(), PASS, FAIL, json=True)) == 2
