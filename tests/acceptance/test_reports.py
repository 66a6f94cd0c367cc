"""Reports of a run for other programs: JUnit XML, the step summary and annotations of GitHub."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.acceptance.harness_process import ROGUE, Harness, eventually, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

FENCES = ("--fence", "ledger", "--fence", "none")


def _cases(path: Path) -> dict[str, ElementTree.Element]:
    return {one.get("name", ""): one for one in ElementTree.parse(path).iter("testcase")}


def test_junit_has_a_testcase_per_fence_with_its_story(harness: Harness, tmp_path: Path) -> None:
    scenario, file = write_scenario(tmp_path, ROGUE), tmp_path / "made" / "junit.xml"
    ended = harness.run(scenario, *FENCES, "--schedules", 40, "--junit", file)
    assert ended.status == 1
    cases = _cases(file)
    assert list(cases) == ["ledger", "none"]
    assert cases["ledger"].find("failure") is None
    failure = cases["none"].find("failure")
    assert failure is not None
    assert failure.get("message") == "missed_takeover was not expected"
    assert failure.text is not None
    lines = failure.text.splitlines()
    assert lines[0].startswith("missed takeover: runner admitted")
    assert any(line.endswith("<== MISSED TAKEOVER") for line in lines)
    assert lines[-1].startswith("replay: ")
    assert Path(lines[-1].split()[-1]).exists()
    assert cases["none"].get("line") == "11"


def test_an_inconclusive_search_is_an_error(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, ROGUE.replace("expect: {}", "expect: {ledger: [crash]}"))
    file = tmp_path / "junit.xml"
    limit = ("--schedules", 10**9, "--time-limit-s", 0.2)
    assert harness.run(scenario, *limit, "--junit", file).status == 3
    error = _cases(file)["ledger"].find("error")
    assert error is not None
    assert "crash did not show yet" in error.get("message", "")


def test_an_interrupted_run_leaves_no_pass_for_a_fence_that_never_ran(
    harness: Harness, tmp_path: Path
) -> None:
    scenario, file = write_scenario(tmp_path), tmp_path / "junit.xml"
    arguments = (scenario, *FENCES, "--schedules", 10**9, "--junit", file)
    with harness.start_run(*arguments) as running:
        eventually(running.workers)
        running.process.send_signal(signal.SIGINT)
        assert running.end().status == 130
    first, second = [error.get("message", "") for error in ElementTree.parse(file).iter("error")]
    assert first.startswith("inconclusive: interrupted after ")
    assert second == "not run: the run ended before its turn"


def test_a_killed_run_leaves_no_pass_of_an_earlier_one(harness: Harness, tmp_path: Path) -> None:
    scenario, file = write_scenario(tmp_path), tmp_path / "junit.xml"
    assert harness.run(scenario, *FENCES, "--schedules", 2, "--junit", file).status == 0
    assert not list(ElementTree.parse(file).iter("error"))
    with harness.start_run(scenario, *FENCES, "--schedules", 10**9, "--junit", file) as running:
        eventually(running.workers)
        running.process.kill()
        running.end()
    assert len(list(ElementTree.parse(file).iter("error"))) == 2


def test_on_github_there_are_a_summary_and_annotations(harness: Harness, tmp_path: Path) -> None:
    scenario, summary = write_scenario(tmp_path, ROGUE), tmp_path / "summary.md"
    summary.write_text("of an earlier command\n")
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(tmp_path),
    }
    ended = harness.run(scenario, *FENCES, "--schedules", 40, "--json", environment=github)
    assert ended.status == 1
    assert len(ended.objects) == 2
    (command,) = [line for line in ended.err.splitlines() if line.startswith("::")]
    assert command.startswith("::error file=small.yaml,line=11,title=small.yaml / none::missed_takeover was")
    text = summary.read_text()
    assert text.startswith("of an earlier command\n### Fences under test\n\n**Not as expected:** 1 of 2")
    assert "replay: " in text


def test_elsewhere_there_are_none(harness: Harness, tmp_path: Path) -> None:
    ended = harness.run(write_scenario(tmp_path, ROGUE), "--fence", "none", "--schedules", 40)
    assert (ended.status, ended.err) == (1, "")


def test_words_of_a_fence_are_escaped_in_all_of_them(harness: Harness, tmp_path: Path) -> None:
    said = "]]> & <b> %0A @all | ``` \\n::error ::gotcha"
    body = f"class Rude(Fence):\n    def guarded_write(self, _):\n        raise ValueError('{said}')\n"
    fence = f"{write_fence(tmp_path, body)}:Rude"
    summary, file = tmp_path / "summary.md", tmp_path / "junit.xml"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    scenario = write_scenario(tmp_path)
    arguments = (scenario, "--fence", fence, "--schedules", 2, "--junit", file)
    ended = harness.run(*arguments, environment=github)
    assert ended.status == 1
    (command,) = [line for line in ended.err.splitlines() if line.startswith("::")]
    assert "%250A @all" in command
    (failure,) = ElementTree.parse(file).iter("failure")
    assert failure.text is not None
    assert "]]> & <b> %0A @all | ```" in failure.text
    assert "<b>" not in summary.read_text().partition("````text")[0]


def test_a_summary_that_cannot_be_written_makes_the_run_inconclusive(
    harness: Harness, tmp_path: Path
) -> None:
    github = {"GITHUB_STEP_SUMMARY": str(tmp_path)}
    ended = harness.run(write_scenario(tmp_path), "--fence", "ledger", "--schedules", 2, environment=github)
    assert ended.status == 3
    assert os.strerror(21) in ended.err
