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


def leaves(lines, acknowledged):
    import sys

    sys.exit("no more")


def talks(lines, acknowledged):
    print("asked")


def raises(lines, acknowledged):
    raise KeyError("no such rule")
"""

FENCES = """\
class Keeps(Fence):
    about = "admits all, and promises a rule"
    invariant = ("{rules}:at_most_five",)


class Own(Fence):
    about = "admits all, and has a rule of its own"

    def invariant(lines, acknowledged):
        return f"{{len(lines)}} lines" if len(lines) > 5 else None


class Wrong(Fence):
    about = "has a rule that is none"
    invariant = 5
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


@pytest.mark.parametrize(
    ("rule", "said"), [("raises", "KeyError: 'no such rule'"), ("leaves", "SystemExit: no more")]
)
def test_a_rule_that_raises_is_no_pass(
    harness: Harness, tmp_path: Path, rules: Path, rule: str, said: str
) -> None:
    words = ("--fence", "none", "--invariant", f"{rules}:{rule}", "--json", "--schedules", 5)
    ended = harness.run(write_scenario(tmp_path), *words)
    assert ended.status == 3
    assert ended.object["inconclusive"] and f"{rules}:{rule} raised {said}" in str(ended.object)


def test_an_attribute_that_is_no_rule_is_refused(harness: Harness, tmp_path: Path, rules: Path) -> None:
    fences = write_fence(tmp_path, FENCES.format(rules=rules))
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Wrong")
    assert (ended.status, ended.out) == (2, "")
    assert f"{fences}:Wrong: its attribute invariant has 5, expected a reference, a function" in ended.err


def test_a_stored_break_of_a_rule_is_judged_again(harness: Harness, tmp_path: Path, rules: Path) -> None:
    rule = f"{rules}:at_most_five"
    harness.run(write_scenario(tmp_path), "--fence", "none", "--invariant", rule, "--no-shrink")
    (witness,) = harness.witnesses()
    for file in (witness, witness.with_suffix(".history.jsonl")):
        refused = harness.call("judge", file)
        assert (refused.status, refused.out) == (2, "")
        assert f"{file}: would run `{rule}`" in refused.err
        for way in (("--allow-programs",), ("--invariant", rule)):
            judged = harness.call("judge", file, *way)
            assert (judged.status, judged.err) == (1, ""), judged
            assert f"invariant: {rule}: after a step of" in judged.out
    more = harness.call("judge", witness, "--allow-programs", "--invariant", f"{rules}:talks", "--json")
    assert [one["kind"] for one in more.object["judgement"]["violations"]] == ["invariant"]
    rules.unlink()
    gone = harness.call("judge", witness, "--allow-programs")
    assert (gone.status, gone.out) == (2, "") and f"no file {rules}" in gone.err


def test_a_stored_break_of_a_fences_own_rule_is_judged_again(
    harness: Harness, tmp_path: Path, rules: Path
) -> None:
    fences = write_fence(tmp_path, FENCES.format(rules=rules))
    ended = harness.run(write_scenario(tmp_path), "--fence", f"{fences}:Own", "--json", "--no-shrink")
    assert (ended.status, set(ended.object["violations"])) == (1, {"invariant"})
    (witness,) = harness.witnesses()
    refused = harness.call("judge", witness)
    assert (refused.status, refused.out) == (2, "") and f"would run `{fences}:Own`" in refused.err
    assert "--invariant" not in refused.err
    judged = harness.call("judge", witness, "--allow-programs")
    assert judged.status == 1 and f"invariant: {fences}:Own.invariant: after a step of" in judged.out


def test_a_rule_may_be_added_to_a_stored_history(harness: Harness, tmp_path: Path, rules: Path) -> None:
    rule = f"{rules}:at_most_five"
    harness.run(write_scenario(tmp_path), "--fence", "none", "--invariant", rule, "--no-shrink")
    (witness,) = harness.witnesses()
    history = witness.with_suffix(".history.jsonl")
    history.write_text(history.read_text().replace(json.dumps([rule]), "[]", 1))
    assert harness.call("judge", history).status == 0
    assert harness.call("judge", history, "--invariant", rule).status == 1


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
