"""No sound fence is accused in any scenario of its policy; `make stress` asks for 200,000 schedules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fence.sound.members import ROOT, SOUND, claimed_scenarios

pytestmark = pytest.mark.requires("kernel-gate")

#: Of each scenario without programs; `test_scenarios` asks the ledger about those with programs.
SCHEDULES = 5
#: Of a scenario in which the fence must decide both ways.
ENOUGH_TO_DECIDE = 15
SEED = 13


def _run(out: Path, fence: str, scenarios: list[str], *more: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "harness", "run", *scenarios, "--fence", fence, "--allow-programs"]
    command += [
        "--explorers",
        "1",
        "--seed",
        str(SEED),
        "--no-shrink",
        "--json",
        "--out",
        str(out),
        "--force",
        *more,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(scenarios), done.stderr
    return found


#: Two stand for all in `make test`; `make test-long` asks the others, and `make stress` all of them.
ASKED = [
    name if name in ("ledger", "hash-chain") else pytest.param(name, marks=pytest.mark.long) for name in SOUND
]


@pytest.mark.parametrize("name", ASKED)
def test_a_sound_fence_is_accused_in_no_scenario(tmp_path: Path, name: str) -> None:
    for one in _run(tmp_path, SOUND[name], claimed_scenarios(programs=False), "--schedules", str(SCHEDULES)):
        assert (one["violations"], one["why_inconclusive"]) == ({}, ""), one["scenario"]
        assert one["schedules"] == SCHEDULES


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_fence_decides_right_under_a_rogue(tmp_path: Path, name: str) -> None:
    """Refuse something, and admit something: a fence that never decides would not be accused either."""
    (one,) = _run(tmp_path, SOUND[name], ["scenarios/rogue-zoo.yaml"], "--schedules", str(ENOUGH_TO_DECIDE))
    assert one["verdicts"]["true_positive"] > 0
    (one,) = _run(tmp_path, SOUND[name], ["scenarios/quickstart.yaml"], "--schedules", str(ENOUGH_TO_DECIDE))
    assert one["verdicts"]["true_negative"] > 0


@pytest.mark.parametrize("scenario", ["rogue-zoo", "mmap-store-dirty", "compaction-new-file"])
def test_the_ledger_decides_right_about_a_transcript_read_in_parts(tmp_path: Path, scenario: str) -> None:
    """Of more than 64 KiB the ledger reads the rest after its own file; some schedules are run twice."""
    large = tmp_path / f"{scenario}.yaml"
    lines = (ROOT / f"scenarios/{scenario}.yaml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("transcript:")]
    large.write_text("".join(kept) + "transcript: {entries: 50, entry_bytes: 4000}\n")
    (one,) = _run(tmp_path / "out", SOUND["ledger"], [str(large)], "--schedules", str(ENOUGH_TO_DECIDE))
    assert (one["violations"], one["why_inconclusive"]) == ({}, "")
    verdicts = one["verdicts"]
    assert verdicts["true_negative" if scenario == "compaction-new-file" else "true_positive"] > 0
