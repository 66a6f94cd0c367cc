"""A lock that is broken is caught by search; one that looks odd and is right is not accused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.status import NOT_EXPECTED, OK

pytestmark = pytest.mark.requires("kernel-gate")

ROOT = Path(__file__).parents[2]
LOCKS = Path(__file__).parent / "locks.py"
AWAITED = ROOT / "scenarios" / "locks" / "lock-let-go-while-awaited.yaml"
OVERDUE = """\
about: Two find a lock that is overdue.
source: our own
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 1}
  - {role: heartbeat, name: sleeper, delay_steps: 0, pause_ms: 80, hold_ms: 2000, lines: 0}
  - {role: cron, count: 2, delay_steps: 0, pause_ms: [200, 205], hold_ms: 30}
fence_options: {lock_stale_ms: 100}
expect: {none: []}
"""


def _found(scenario: Path, name: str, out: Path, schedules: int) -> dict[str, int]:
    words = ["run", str(scenario), "--fence", f"{LOCKS}:{name}", "--schedules", str(schedules), "--seed", "1"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "harness",
            *words,
            "--explorers",
            "1",
            "--no-shrink",
            "--json",
            "--out",
            str(out),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (OK, NOT_EXPECTED), done.stderr
    said = json.loads(done.stdout)
    assert said["schedules"] == schedules
    assert not said["inconclusive"]
    violations: dict[str, int] = said["violations"]
    return violations


@pytest.mark.parametrize("name", ["ClosedThenUnlinked", "UnlinkedThenClosed"])
def test_a_flock_whose_file_is_unlinked_is_held_by_two(name: str, tmp_path: Path) -> None:
    assert "double_hold" in _found(AWAITED, name, tmp_path, 200)


def test_a_lock_that_checks_its_files_name_is_not_accused(tmp_path: Path) -> None:
    assert _found(AWAITED, "Verified", tmp_path, 200) == {}


def test_a_directory_that_two_reclaim_is_held_by_two(tmp_path: Path) -> None:
    scenario = tmp_path / "overdue.yaml"
    scenario.write_text(OVERDUE)
    assert "double_hold" in _found(scenario, "Directory", tmp_path / "out", 200)


def test_a_directory_that_nobody_reclaims_is_held_by_one(tmp_path: Path) -> None:
    scenario = tmp_path / "overdue.yaml"
    scenario.write_text(OVERDUE)
    assert _found(scenario, "CheckedDirectory", tmp_path / "out", 200) == {}
    assert _found(AWAITED, "Directory", tmp_path / "again", 200) == {}
