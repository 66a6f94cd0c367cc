"""A search that found nothing and did not try what its scenario is about is no pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.harness_process import Harness, write_fence, write_scenario

pytestmark = pytest.mark.requires("kernel-gate")

QUIET = """\
about: A runner and a lane that may do nothing.
source: a test
policy: coordinated
lanes:
  - role: runner
    process: gateway
  - {lane}
{more}expect: {{}}
schedules: 8
"""

LOCKS = """\
import fcntl


class Elsewhere(Fence):
    about = "flock on a file of its own"
    lock_kind = "flock"

    def acquire(self):
        self.fd = os.open(self.path + ".guard", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def release(self):
        os.close(self.fd)

    begin_turn, release_for_prompt = acquire, release

    def end_turn(self):
        pass

    def guarded_write(self, entries):
        from fence.transcript import append_lines

        self.acquire()
        append_lines(self.path, entries)
        self.release()


class Declared(Elsewhere):
    lock_path = "{transcript}.guard"
"""


def reasons(harness: Harness, path: Path, *words: object) -> tuple[int, list[str]]:
    ended = harness.run(path, "--json", "--no-shrink", *words)
    assert ended.status in (0, 3), ended
    assert ended.object["violations"] == {}
    return ended.status, ended.object["not_exercised"]


def scenario(folder: Path, lane: str, more: str = "") -> Path:
    return write_scenario(folder, QUIET.format(lane=lane, more=more))


CRON = "{role: cron, name: cron, process: job}"


def test_a_search_that_exercised_all_lanes_is_a_pass(harness: Harness, tmp_path: Path) -> None:
    assert reasons(harness, scenario(tmp_path, CRON), "--fence", "none") == (0, [])


def test_a_program_that_changes_nothing_is_told(harness: Harness, tmp_path: Path) -> None:
    path = scenario(tmp_path, "{role: program, name: idle, argv: [/bin/sh, -c, 'exit 3']}")
    status, (reason,) = reasons(harness, path, "--fence", "none", "--allow-programs")
    assert status == 3
    assert reason.startswith("idle ") and "exit status 3" in reason


def test_a_fault_that_never_struck_is_told(harness: Harness, tmp_path: Path) -> None:
    more = "faults:\n  - {lane: cron, call: ftruncate, error: EIO}\n"
    status, (reason,) = reasons(harness, scenario(tmp_path, CRON, more), "--fence", "none")
    assert (status, reason) == (3, "fault 1 (cron: ftruncate fails with EIO) never struck")


def test_too_few_schedules_are_told_and_the_limit_can_be_set(harness: Harness, tmp_path: Path) -> None:
    path = scenario(tmp_path, CRON)
    limit = ("--fence", "none", "--schedules", 10**9, "--time-limit-s", 0.3)
    status, (reason,) = reasons(harness, path, *limit)
    assert status == 3 and "a pass needs 500000000" in reason
    assert reasons(harness, path, *limit, "--min-schedules", 1) == (0, [])


def test_a_lock_elsewhere_is_named_until_it_is_declared(harness: Harness, tmp_path: Path) -> None:
    fences = write_fence(tmp_path, LOCKS)
    path = scenario(tmp_path, CRON)
    status, (reason,) = reasons(harness, path, "--fence", f"{fences}:Elsewhere")
    assert status == 3
    assert "the watched lock was never taken" in reason and "T.guard" in reason
    assert reasons(harness, path, "--fence", f"{fences}:Declared") == (0, [])


def test_confidence_gives_the_number_of_schedules(harness: Harness, tmp_path: Path) -> None:
    path = scenario(tmp_path, CRON)
    ended = harness.run(path, "--fence", "none", "--confidence", 0.1, "--json")
    assert (ended.status, ended.object["schedules"]) == (0, 29)
    ended = harness.run(path, "--fence", "none", "--confidence", 0.1, "--schedules", 5)
    assert ended.status == 2 and "not allowed with" in ended.err
