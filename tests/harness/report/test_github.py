"""GitHub annotations: one line each, which the runner decodes to the same text."""

from __future__ import annotations

import re

from harness.report.github import workflow_commands
from harness.report.result_case import Case
from tests.harness.report.cases import HOSTILE, case


def _unescaped(text: str) -> str:
    """Return a property or a message as GitHub's runner decodes it."""
    for code, sign in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def _parts(command: str) -> tuple[dict[str, str], str]:
    found = re.fullmatch(r"::error ([^:]*)::(.*)", command)
    assert found, command
    properties = dict(one.split("=", 1) for one in found[1].split(","))
    return {name: _unescaped(value) for name, value in properties.items()}, _unescaped(found[2])


def test_expected_results_are_not_annotated() -> None:
    assert workflow_commands([case(), case(violations={"crash": 1})]) == []


def test_a_failure_is_annotated_at_the_line_of_the_expectation() -> None:
    (command,) = workflow_commands([case("story\nreplay: x", line=9, unexpected=("crash was not expected",))])
    properties, message = _parts(command)
    assert properties == {"file": "scenarios/s.yaml", "line": "9", "title": "s.yaml / f"}
    assert message == "crash was not expected\nstory\nreplay: x"


def test_inconclusive_results_are_annotated_too() -> None:
    commands = workflow_commands([case(why_inconclusive="a lane moved"), Case("s.yaml", 1, "f")])
    assert [_parts(command)[1] for command in commands] == [
        "inconclusive: a lane moved",
        "not run: the run ended before its turn",
    ]


def test_paths_are_relative_to_the_top_of_the_repository() -> None:
    found = case(file="/srv/top/sub/s.yaml", unexpected=("x",))
    assert _parts(workflow_commands([found], "/srv/top")[0])[0]["file"] == "sub/s.yaml"


def test_no_message_of_a_fence_starts_another_command() -> None:
    found = case(HOSTILE, file=f"a,b:c%/{HOSTILE}.yaml", fence=HOSTILE, unexpected=(HOSTILE,))
    (command,) = workflow_commands([found])
    assert command.isprintable()
    properties, message = _parts(command)
    assert set(properties) == {"file", "line", "title"}
    assert properties["file"].startswith("a,b:c%/<script>")
    assert "::error ::%0A" in message
