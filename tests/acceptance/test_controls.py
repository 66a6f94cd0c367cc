"""`controls`: broken fences are really caught, and the exit status says when one is not."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness_process import ROOT, Harness, eventually

pytestmark = pytest.mark.requires("kernel-gate")

#: One for each verdict, quickly caught.
QUICK = {
    "stat-size-only": "missed_takeover",
    "ledger-cotenant-silent": "false_positive",
    "none-remembered-offset": "lost_entry",
    "lock-neighbour-is-orphan": "double_hold",
    "ledger-waits-for-itself": "dead_end",
    "stat-needs-a-file": "crash",
}
#: Caught with this seed at schedule 10 of the random walk, and by none before it.
LATER = "issue-84071-a-refreshed-after-unlock"

#: A lawful line, which the stat fence refuses; no rogue that a fence could miss.
LAWFUL = """\
about: A heartbeat appends under the lock.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 8}
  - {role: heartbeat, process: other, delay_steps: [4, 8]}
expect: {}
"""


def _controls(harness: Harness, *arguments: object) -> Any:
    folders = ("--out", harness.out, "--force", "--session-root", harness.session_root)
    explorers = () if "--explorers" in arguments else ("--explorers", 1)
    return harness.call("controls", *arguments, *folders, *explorers)


def _with_scenario(folder: Path, name: str, text: str) -> Path:
    """A folder of scenarios in which one is another."""
    copy = folder / "scenarios"
    shutil.copytree(ROOT / "scenarios", copy)
    (copy / f"{name}.yaml").write_text(text)
    return copy


def test_controls_are_caught_by_the_verdict_that_they_name(harness: Harness) -> None:
    ended = _controls(
        harness, "--only", ",".join(QUICK), "--strategies", "random", "--schedules", 60, "--json"
    )
    assert ended.status == 0, ended.err
    controls = [found for found in ended.objects if found["control"]]
    assert {found["fence"]: found["caught_by"] for found in controls} == QUICK
    for found in controls:
        assert found["killed_at"] is not None
        assert not found["accused"]
        assert Path(found["witness"]).is_file()
    sound = [found for found in ended.objects if not found["control"]]
    assert {found["fence"] for found in sound} == {"ledger"}
    # Once each, and not the one of stat-size-only, whose policy the ledger does not claim.
    assert sorted(found["scenario"] for found in sound) == sorted(
        {found["scenario"] for found in controls} - {"guard-prefix-hash"}
    )
    assert not any(found["accused"] or found["witness"] for found in sound)


def test_a_control_of_two_rogue_actions_is_caught_with_two(harness: Harness) -> None:
    ended = _controls(
        harness, "--only", "ledger-blind-after-recovery", "--strategies", "pct", "--schedules", 200, "--json"
    )
    assert ended.status == 0, ended.err
    assert ended.objects[0]["rogue_actions"] == 2


def test_the_killing_schedule_is_the_same_for_any_explorers(harness: Harness) -> None:
    killed = [
        _controls(
            harness,
            *("--only", LATER, "--strategies", "random", "--schedules", 100),
            *("--explorers", explorers, "--json"),
        ).objects[0]["killed_at"]
        for explorers in (1, 2, 3)
    ]
    assert killed[0] > 2
    assert killed == [killed[0]] * 3


def test_a_control_that_survives_is_no_success(harness: Harness) -> None:
    ended = _controls(harness, "--only", LATER, "--strategies", "random", "--schedules", 4)
    assert ended.status == 1
    assert "SURVIVED" in ended.out
    assert f"{LATER} survived 4 schedules of cotenant-other-process (seed 1) by random" in ended.err


def test_a_control_caught_by_one_strategy_may_survive_another(harness: Harness) -> None:
    ended = _controls(
        harness, "--only", "stat-size-only", "--strategies", "round-robin,random", "--schedules", 40
    )
    assert ended.status == 0, ended.err
    (row,) = [line for line in ended.out.splitlines() if line.startswith("stat-size-only")]
    assert row.endswith("killed")


def test_an_unexpected_accusation_is_no_success(harness: Harness, tmp_path: Path) -> None:
    folder = _with_scenario(tmp_path, "guard-prefix-hash", LAWFUL)
    ended = _controls(
        harness,
        *("--only", "stat-size-only", "--strategies", "random"),
        *("--schedules", 10, "--scenarios", folder),
    )
    assert ended.status == 1
    assert "ACCUSED" in ended.out
    assert "stat-size-only is accused of false_positive" in ended.err
    assert f"replay: {sys.executable} -m harness replay" in ended.err


def test_an_inconclusive_search_is_no_success(harness: Harness, tmp_path: Path) -> None:
    folder = _with_scenario(tmp_path, "guard-prefix-hash", LAWFUL + "steps_max: 5\n")
    ended = _controls(
        harness,
        *("--only", "stat-size-only", "--strategies", "random"),
        *("--schedules", 10, "--scenarios", folder),
    )
    assert ended.status == 3
    assert "inconclusive" in ended.out
    assert "not over after 5 steps, the steps_max of its scenario" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "stat-size"), "--only stat-size: no control"),
        (("--strategies", "luck"), "--strategy luck: unknown"),
        (("--scenarios", "nowhere"), "nowhere"),
        (("--seeds", "0"), "must be 1"),
    ],
)
def test_bad_arguments_run_nothing(harness: Harness, arguments: tuple[str, str], said: str) -> None:
    ended = _controls(harness, *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert not harness.out.exists()


def test_an_interrupt_keeps_the_findings(harness: Harness) -> None:
    options = ("--out", harness.out, "--session-root", harness.session_root, "--explorers", 1)
    only = ("--only", "ledger-cotenant-silent", "--strategies", "random", "--schedules", 1_000_000)
    with harness.start("controls", *only, "--json", *options) as running:
        stored = harness.out / "verdicts.jsonl"
        # The control is caught at once; the fence that is right has a million schedules to go.
        eventually(lambda: stored.exists() and stored.read_text())
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
        harness.assert_nothing_left(running)
    assert ended.status == 130
    assert ended.objects[0]["killed_at"] == 0
    assert harness.verdicts() == ended.objects
