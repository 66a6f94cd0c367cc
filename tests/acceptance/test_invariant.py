"""Rules of the user for the transcript's lines: from the command line, a scenario, and a fence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.harness_process import SCENARIO, Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

RULES = """\
def at_most_five(lines, acknowledged):
    return f"{len(lines)} lines" if len(lines) > 5 else None


def acknowledged_lines_are_there(lines, acknowledged):
    return next((f"{entry.id} is missing" for entry in acknowledged if entry.line not in lines), "")


def raises(lines, acknowledged):
    raise KeyError("no such rule")
"""

FENCES = """\
class Keeps(Fence):
    about = "admits all, and promises a rule"
    invariant = ("{rules}:at_most_five",)
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.py"
    path.write_text(RULES)
    return path


def test_a_rule_of_the_command_line_is_broken_shrunk_and_replayed(
    harness: Harness, tmp_path: Path, rules: Path
) -> None:
    path = write_scenario(tmp_path)
    ended = harness.run(path, "--fence", "none", "--invariant", f"{rules}:at_most_five", "--json")
    assert ended.status == 1
    assert set(ended.object["violations"]) == {"invariant"}
    witness = next(iter(sorted(harness.out.glob("witnesses/*.shrunk.json"))))
    assert json.loads(witness.read_text())["claim"]["kind"] == "invariant"
    again = harness.call("replay", witness, "--allow-programs")
    assert "6 lines" in again.out, again


def test_a_rule_that_holds_accuses_no_schedule(harness: Harness, tmp_path: Path, rules: Path) -> None:
    text = SCENARIO + f"invariant: [unique_ids, '{rules}:acknowledged_lines_are_there']\n"
    ended = harness.run(write_scenario(tmp_path, text), "--allow-programs", "--fence", "none", "--json")
    assert (ended.status, ended.object["violations"]) == (0, {})


def test_a_fence_names_a_rule_of_its_own(harness: Harness, tmp_path: Path, rules: Path) -> None:
    fences = write_fence(tmp_path, FENCES.format(rules=rules))
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Keeps", "--json", "--no-shrink")
    assert (ended.status, set(ended.object["violations"])) == (1, {"invariant"})


def test_a_rule_that_raises_is_no_pass(harness: Harness, tmp_path: Path, rules: Path) -> None:
    words = ("--fence", "none", "--invariant", f"{rules}:raises", "--json")
    ended = harness.run(write_scenario(tmp_path), *words)
    assert ended.status == 3
    assert ended.object["inconclusive"] and "no such rule" in str(ended.object)


@pytest.mark.parametrize(
    ("reference", "said"),
    [("uniqe_ids", "unique_ids"), ("missing.py:rule", "missing.py"), ("{rules}:nothing", "nothing")],
)
def test_a_rule_that_does_not_exist_is_refused(
    reference: str, said: str, harness: Harness, tmp_path: Path, rules: Path
) -> None:
    reference = reference.format(rules=rules)
    ended = harness.run(write_scenario(tmp_path), "--fence", "none", "--invariant", reference)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err and "Traceback" not in ended.err
