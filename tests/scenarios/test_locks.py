"""A lock that is broken is caught by search; one that looks odd and is right is not accused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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
SITTING = """\
about: A job sits on the lock for ever.
source: our own
policy: coordinated
lanes:
  - {role: runner, process: gateway, think_steps: 1}
  - {role: cron, name: sitting, delay_steps: 0, release: false}
fence_options: {lock_timeout_ms: 5000}
expect: {none: []}
"""


def _found(scenario: Path, name: str, out: Path, schedules: int, *options: str) -> dict[str, int]:
    words = [
        "run",
        *options,
        str(scenario),
        "--fence",
        f"{LOCKS}:{name}",
        "--schedules",
        str(schedules),
        "--seed",
        "1",
    ]
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


def test_a_directory_that_is_not_reclaimed_is_held_by_one(tmp_path: Path) -> None:
    scenario = tmp_path / "overdue.yaml"
    scenario.write_text(OVERDUE)
    assert _found(scenario, "CheckedDirectory", tmp_path / "out", 200) == {}
    assert _found(AWAITED, "Directory", tmp_path / "again", 200) == {}


def test_a_lock_that_is_asked_for_without_a_wait_is_not_accused(tmp_path: Path) -> None:
    assert _found(AWAITED, "AsksForEver", tmp_path, 100) == {}
    assert _found(AWAITED, "AsksAndGivesUp", tmp_path / "again", 100) == {}


def test_a_lock_that_is_asked_for_in_vain_is_a_dead_end(tmp_path: Path) -> None:
    scenario = tmp_path / "sitting.yaml"
    scenario.write_text(SITTING)
    found = _found(scenario, "AsksForEver", tmp_path / "out", 2)
    assert set(found) == {"dead_end"}
    assert _found(scenario, "AsksAndGivesUp", tmp_path / "again", 6) == {}


def test_a_lock_that_is_taken_by_force_after_some_attempts_is_held_by_two(tmp_path: Path) -> None:
    """The holder is at work all the time, and the other lane is let at the lock often enough to err."""
    assert "double_hold" in _found(AWAITED, "AsksAndGoesOn", tmp_path, 100)


SHELL = 'exec 9>>$0.flock; until flock -n 9; do [ -e $0 ]; done; echo "{\\"type\\":\\"custom\\"}" >> $0'
PYTHON = """\
import fcntl, os, sys
lock = open(sys.argv[1] + ".flock", "w")
while True:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        break
    except BlockingIOError:
        os.path.exists(sys.argv[1])
"""


@pytest.mark.parametrize(
    ("scenario", "argv", "schedules", "kinds"),
    [
        (AWAITED, ["bash", "-c", SHELL, "{transcript}"], 20, set()),
        (None, [sys.executable, "-c", PYTHON, "{transcript}"], 1, {"dead_end"}),
    ],
)
def test_a_program_that_asks_for_ever_waits(
    scenario: Path | None, argv: list[str], schedules: int, kinds: set[str], tmp_path: Path
) -> None:
    data = yaml.safe_load(SITTING if scenario is None else scenario.read_text())
    program = {"role": "program", "argv": argv, "delay_steps": 0}
    data |= {"lanes": [*data["lanes"][1:], program], "expect": {"none": []}, "schedules": 300}
    path = tmp_path / "asking.yaml"
    path.write_text(yaml.safe_dump(data))
    found = _found(path, "AsksAndGivesUp", tmp_path / "out", schedules, "--allow-programs")
    assert set(found) == kinds
