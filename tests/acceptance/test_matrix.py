"""`matrix`: fences by scenarios, on the same schedules for every fence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.strategies.portfolio import FIRST_SHARES, name_of
from tests.acceptance.harness_process import ROGUE, Ended, Harness, write_fence, write_scenario
from tests.patience import at_some_patience

pytestmark = pytest.mark.requires("kernel-gate")

EXPECTED = ROGUE.replace("expect: {}", "expect: {none: [missed_takeover], ledger: []}")
KEYS = {"only_here", "only_there", "both", "first_here", "first_there", "p"}


def _matrix(harness: Harness, *arguments: object, **more: Any) -> Ended:
    folders = ("--session-root", harness.session_root, "--out", harness.out, "--force")
    explorers = () if "--explorers" in arguments else ("--explorers", 1)
    return harness.call("matrix", *arguments, *folders, *explorers, **more)


def test_every_fence_is_compared_with_the_first_in_every_scenario(harness: Harness, tmp_path: Path) -> None:
    one = write_scenario(tmp_path, EXPECTED, "one.yaml")
    two = write_scenario(tmp_path, name="two.yaml")
    ended = _matrix(harness, one, two, "--fences", "ledger,none", "--schedules", 40, "--json")
    assert (ended.status, ended.err) == (0, "")
    found = ended.objects
    assert [(row["scenario"], row["fence"]) for row in found] == [
        ("one", "ledger"), ("one", "none"), ("two", "ledger"), ("two", "none"),
    ]  # fmt: skip
    assert [row["paired"] is None for row in found] == [True, False, True, False]
    broken = found[1]
    missed = broken["paired"]["kinds"]["missed_takeover"]
    assert (broken["paired"]["against"], broken["paired"]["schedules"]) == ("ledger", 40)
    assert set(missed) == KEYS
    assert missed["only_here"] == broken["violations"]["missed_takeover"] > 5
    assert (missed["only_there"], missed["both"]) == (0, 0)
    assert missed["p"] < 0.05
    assert found[3]["paired"]["kinds"]["any violation"]["p"] is None
    assert harness.verdicts() == found


def test_a_fence_compared_with_its_twin_differs_in_no_schedule(harness: Harness, tmp_path: Path) -> None:
    """Same program, same draws: a fence that makes the same file calls runs the very same schedules."""
    fence = write_fence(tmp_path, "from fence import load\n\n\nclass Twin(load('none')):\n    pass\n")
    twin = f"{fence}:Twin"
    scenario = write_scenario(tmp_path, ROGUE)
    ended = _matrix(
        harness, scenario, "--fences", f"none,{twin}", "--schedules", 200, "--no-shrink", "--json"
    )
    first, second = ended.objects
    kinds = second["paired"]["kinds"]
    assert kinds["missed_takeover"]["both"] == first["violations"]["missed_takeover"] > 30
    assert {(kind["only_here"], kind["only_there"]) for kind in kinds.values()} == {(0, 0)}
    assert second["steps"] == first["steps"]


def test_pairs_do_not_depend_on_the_number_of_explorers(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, ROGUE)
    arguments = (scenario, "--fences", "stat-2026.5.17,none", "--schedules", 60, "--no-shrink", "--json")
    pairs = [_matrix(harness, *arguments, "--explorers", n).objects[1]["paired"] for n in (1, 2)]
    assert pairs[0] == pairs[1]
    assert pairs[0]["kinds"]["missed_takeover"]["only_here"] > 0


def test_tables_tell_findings_and_differences_of_fences(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, EXPECTED)
    ended = _matrix(harness, scenario, "--fences", "ledger,none", "--schedules", 40)
    assert ended.status == 0
    words = [line.split() for line in ended.out.splitlines() if line]
    assert words[0] == ["scenario", "ledger", "none"]
    assert words[1][:3] == ["small", "pass", "missed"]
    assert words[2][:4] == ["scenario", "fence", "compared", "with"]
    assert words[3][:5] == ["small", "none", "ledger", "missed", "takeover"]


def test_markdown_is_the_only_thing_on_standard_output(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, ROGUE)
    ended = _matrix(harness, scenario, "--fences", "ledger,none", "--schedules", 40, "--markdown")
    assert ended.status == 1
    assert ended.out.startswith("### Fences compared\n\n**Not as expected:** 1 of 2")
    assert "| <code>small</code> | <code>pass</code> |" in ended.out
    assert "```text\nmissed takeover: runner admitted" in ended.out
    assert "replay: " in ended.out


def test_an_unexpected_violation_is_status_1_with_a_replay_command(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path, ROGUE)
    ended = _matrix(harness, scenario, "--fences", "ledger,none", "--schedules", 40)
    assert ended.status == 1
    story = ended.out.partition("\n\nscenario")[0].splitlines()
    assert story[1] == "  UNEXPECTED: missed_takeover was not expected"
    assert story[-1].startswith("  replay: ")
    witness = story[-1].split()[-1]
    assert harness.call("replay", witness).status == 0


def test_a_time_limit_for_all_compares_the_schedules_of_both(harness: Harness, tmp_path: Path) -> None:
    scenario = write_scenario(tmp_path)

    def stops(limit_s: float) -> None:
        limit = ("--schedules", 10**9, "--time-limit-s", limit_s)
        ended = _matrix(harness, scenario, "--fences", "ledger,none", *limit, "--json")
        assert ended.status == 3
        first, second = ended.objects
        assert first["stopped"] == second["stopped"] == "time limit"
        assert second["paired"]["schedules"] == min(first["schedules"], second["schedules"]) > 0

    at_some_patience(stops)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fences", "ledger,"), "between two commas is empty"),
        (("--fences", "ledger,legder"), "did you mean 'ledger'"),
        (("--fences", "ledger", "--strategy", "exhaustive"), "--strategy exhaustive"),
        (("--fences", "ledger", "--strategy", "luck"), "--strategy luck: unknown"),
        ((), "--fences"),
        (("--fences", "ledger", "--json", "--markdown"), "not allowed with"),
        (("--fences", "ledger", "--junit", "/proc/none/j.xml"), "--junit"),
    ],
)
def test_an_impossible_request_is_status_2_and_nothing_runs(
    arguments: tuple[str, ...], said: str, harness: Harness, tmp_path: Path
) -> None:
    ended = _matrix(harness, write_scenario(tmp_path), *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_the_plan_is_stored_first(harness: Harness, tmp_path: Path) -> None:
    _matrix(harness, write_scenario(tmp_path), "--fences", "ledger,none", "--schedules", 2)
    plan = json.loads((harness.out / "plan.json").read_text())
    assert [question["fence"] for question in plan["questions"]] == ["ledger", "none"]
    # No schedule may depend on earlier findings: the shares stand still.
    assert {question["strategy"] for question in plan["questions"]} == {name_of(FIRST_SHARES)}


PROGRAM = ROGUE.replace(
    "- role: editor\n    actions: [append-user]", "- role: program\n    argv: [touch, '{transcript}']"
)


def test_programs_are_started_only_where_the_user_says_so(harness: Harness, tmp_path: Path) -> None:
    path = write_scenario(tmp_path, PROGRAM)
    ended = _matrix(harness, path, "--fences", "none,ledger", "--schedules", 1)
    assert (ended.status, ended.out) == (2, "")
    assert "would start `touch '{transcript}'`" in ended.err
    ended = _matrix(harness, path, "--fences", "none", "--schedules", 1, "--allow-programs", "--json")
    # To touch a file changes nothing in it, so the program was not exercised.
    assert (ended.status, ended.object["inconclusive"]) == (3, 0)
