"""Programs that work in directories of the session directory: git, and tools that only keep a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Ended, Harness, write_scenario

pytestmark = [pytest.mark.requires("kernel-gate"), pytest.mark.requires("git")]

SCENARIO = """\
about: A program works in the session directory while the runner waits for its model.
source: acceptance test
policy: coordinated
lanes:
  - {role: runner, process: gateway, rounds: 4, think_steps: [30, 60]}
  - role: program
    name: backup
    argv: [bash, -c, "SCRIPT"]
    delay_steps: 0
    pause_ms: [25, 40]
expect: {}
"""
COMMIT = (
    "cd {directory} && git init -q . && git add transcript.jsonl && "
    "git -c user.name=a -c user.email=a@b commit -qm x"
)
#: Lines that came to the transcript after the commit are thrown away.
RESTORE = COMMIT + " && git checkout -q HEAD -- transcript.jsonl"


def ran(harness: Harness, tmp_path: Path, script: str, schedules: int) -> Ended:
    path = write_scenario(tmp_path, SCENARIO.replace("SCRIPT", script))
    options = ("--allow-programs", "--no-shrink", "--json", "--fence", "none", "--schedules", schedules)
    ended = harness.run(path, *options)
    assert ended.object["inconclusive"] == 0, ended
    return ended


def test_git_that_commits_beside_the_runner_passes(harness: Harness, tmp_path: Path) -> None:
    ended = ran(harness, tmp_path, COMMIT, 10)
    assert (ended.status, ended.object["violations"]) == (0, {}), ended


def test_git_that_restores_the_transcript_is_found_out(harness: Harness, tmp_path: Path) -> None:
    ended = ran(harness, tmp_path, RESTORE, 60)
    assert ended.status == 1, ended
    assert ended.object["violations"], ended


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("mkdir -p {directory}/d && echo x > {directory}/d/x", 0),
        ("mkdir -p {directory}/d/e && cat {transcript}", 3),
        ("mkdir -p {directory}/d && echo x > {directory}/d/x && exit 1", 3),
    ],
)
def test_a_program_that_wrote_nothing_or_failed_has_not_been_tried(
    harness: Harness, tmp_path: Path, script: str, status: int
) -> None:
    assert ran(harness, tmp_path, script, 5).status == status
