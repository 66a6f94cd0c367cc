"""A process that another program stops or kills is not the fence's fault: its schedule is run again."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.acceptance.harness_process import (
    Harness,
    Running,
    command_line,
    eventually,
    is_first_of_namespace,
    write_fence,
    write_scenario,
)
from tests.fence.external.adapters import command

pytestmark = pytest.mark.requires("kernel-gate")

#: No schedule is run beforehand, so that a fence that counts its calls knows where it is.
FIXED = ("--strategy", "random", "--explorers", 1)

# The third guarded write of a worker computes for as long as the file beside this one exists.
FENCES = """\
from fence.ledger import LedgerFence

FLAG = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wait")


class Computes(LedgerFence):
    calls = 0

    def guarded_write(self, entries):
        Computes.calls += 1
        if Computes.calls == 3:
            ctypes.CDLL(None).prctl(15, b"waiting")
            while os.path.exists(FLAG):
                pass
        super().guarded_write(entries)


class StopsItself(Fence):
    number = signal.SIGSTOP
    calls = 0

    def guarded_write(self, entries):
        type(self).calls += 1
        if self.calls == 3:
            os.kill(os.getpid(), self.number)
        super().guarded_write(entries)


class KillsItself(StopsItself):
    number = signal.SIGKILL
"""
SCRIPT = """\
about: A program that computes writes while the runner waits for its model.
source: acceptance test
policy: coordinated
lanes:
  - role: runner
    think_steps: 20
  - role: program
    name: script
    argv: [sh, -c, "while [ -e FLAG ]; do :; done; echo more >> {transcript}"]
    delay_steps: 0
schedules: 5
expect: {}
"""
#: Fields that differ between two runs of the same schedules.
APART = ("wall_s", "steps_per_s", "workers", "peak_bytes", "voided")


@pytest.fixture
def fences(tmp_path: Path) -> Path:
    return write_fence(tmp_path, FENCES)


def _same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert {name: value for name, value in one.items() if name not in APART} == {
        name: value for name, value in other.items() if name not in APART
    }


def _waiting(running: Running) -> psutil.Process:
    eventually(lambda: running.worker_named("waiting") or running.process.poll() is not None)
    found = running.worker_named("waiting")
    assert found is not None, running.end()
    return found


def _dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _stopped(process: psutil.Process) -> bool:
    return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


@pytest.mark.parametrize("gate", ["kernel", "free"])
def test_a_stop_in_the_middle_of_a_step_voids_the_schedule_and_no_more(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path, gate: str
) -> None:
    """The stopped worker is replaced without waiting for it; the run says what it would have said."""
    scenario = write_scenario(tmp_path)
    arguments = (scenario, "--fence", f"{fences}:Computes", *FIXED, "--gate", gate, "--schedules", 10)
    with harness.start_run(*arguments, "--json", environment={"HARNESS_WALL_LIMIT_S": "2"}) as running:
        worker = _waiting(running)
        worker.send_signal(signal.SIGSTOP)
        eventually(lambda: not worker.is_running() or _stopped(worker))
        # The worker that takes its place would wait as well.
        flag.unlink()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["violations"]) == (0, {}), ended
    assert (ended.object["voided"], ended.object["inconclusive"]) == (1, 0)
    calm = harness.run(*arguments, "--json", "--out", tmp_path / "calm").object
    assert calm["voided"] == 0
    if gate == "kernel":
        _same(ended.object, calm)
    text = harness.run(*arguments, "--out", tmp_path / "text").out
    assert "disturbed" not in text


@pytest.mark.requires("pid-namespace")
def test_the_end_of_a_session_s_namespace_voids_the_schedule_and_no_more(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path
) -> None:
    """Its first process takes all workers along, and none can be started in it any more."""
    arguments = (
        write_scenario(tmp_path),
        "--fence",
        f"{fences}:Computes",
        *FIXED,
        "--schedules",
        10,
        "--json",
    )
    with harness.start_run(*arguments) as running:
        worker = _waiting(running)
        (explorer,) = running.explorers()
        (first,) = [child for child in explorer.children() if is_first_of_namespace(child.pid)]
        first.kill()
        # Else it could come to the end of its schedule before the kernel gets to it.
        eventually(lambda: _dead(worker))
        flag.unlink()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["violations"], ended.object["voided"]) == (0, {}, 1), ended
    _same(ended.object, harness.run(*arguments, "--out", tmp_path / "calm").object)


def test_the_report_counts_repeated_schedules(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path
) -> None:
    arguments = (write_scenario(tmp_path), "--fence", f"{fences}:Computes", *FIXED, "--schedules", 10)
    with harness.start_run(*arguments) as running:
        _waiting(running).kill()
        flag.unlink()
        ended = running.end()
    assert ended.status == 0
    assert "1 run of a schedule was disturbed from outside and repeated" in ended.out
    assert "disturbed from outside and repeated" in (harness.out / "report.html").read_text()


def _kill(process: psutil.Process) -> None:
    process.kill()


def _stop(process: psutil.Process) -> None:
    process.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize("disturb", [_kill, _stop], ids=["killed", "stopped"])
def test_a_resumed_run_is_not_held_up_by_an_earlier_disturbance(
    harness: Harness, tmp_path: Path, fences: Path, flag: Path, disturb: Callable[[psutil.Process], None]
) -> None:
    arguments = (write_scenario(tmp_path), "--fence", f"{fences}:Computes", *FIXED, "--schedules", 100)
    with harness.start_run(*arguments, "--json") as running:
        worker = _waiting(running)
        disturb(worker)
        eventually(lambda: (again := running.worker_named("waiting")) and again.pid != worker.pid)
        running.process.kill()
        running.process.wait(600)
        harness.assert_nothing_left(running)
    flag.unlink()
    ended = harness.call("run", "--resume", harness.out, "--allow-programs", "--json")
    calm = harness.run(*arguments, "--json", "--out", tmp_path / "calm")
    assert (ended.status, ended.object["schedules"]) == (0, 100), ended
    assert ended.object["histories"] == calm.object["histories"]


@pytest.mark.parametrize("disturb", [_kill, _stop], ids=["killed", "stopped"])
def test_a_program_that_is_disturbed_voids_the_schedule_and_no_more(
    harness: Harness, tmp_path: Path, flag: Path, disturb: Callable[[psutil.Process], None]
) -> None:
    scenario = write_scenario(tmp_path, SCRIPT.replace("FLAG", str(flag)))
    arguments = (scenario, "--fence", "ledger", *FIXED, "--allow-programs", "--json")

    def computing() -> list[psutil.Process]:
        return [
            one for one in psutil.process_iter() if command_line(one).startswith(f"sh -c while [ -e {flag}")
        ]

    with harness.start_run(*arguments) as running:
        eventually(lambda: computing() or running.process.poll() is not None)
        program = computing()[0]
        disturb(program)
        eventually(lambda: program not in computing())
        flag.unlink()
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["violations"]) == (0, {}), ended
    assert ended.object["voided"] == 1
    _same(ended.object, harness.run(*arguments, "--out", tmp_path / "calm").object)


@pytest.mark.parametrize("disturb", [_kill, _stop], ids=["killed", "stopped"])
def test_an_adapter_that_is_disturbed_voids_the_schedule_and_no_more(
    harness: Harness, tmp_path: Path, flag: Path, disturb: Callable[[psutil.Process], None]
) -> None:
    fence = f"exec:{command('none')}"
    arguments = (write_scenario(tmp_path), "--fence", fence, *FIXED, "--json", "--schedules", 100)

    def adapters(running: Running) -> list[psutil.Process]:
        """Those of the workers; the harness has asked one of its own beforehand."""
        found: list[psutil.Process] = []
        for worker in running.workers():
            # A worker whose adapter was busy for long is replaced, so it may be gone by now.
            with contextlib.suppress(psutil.NoSuchProcess):
                found += worker.children()
        return found

    with harness.start_run(*arguments) as running:
        found: list[psutil.Process] = []
        eventually(lambda: found.extend(adapters(running)) or found or running.process.poll() is not None)
        disturb(found[0])
        ended = running.end()
        harness.assert_nothing_left(running)
    assert (ended.status, ended.object["inconclusive"]) == (0, 0), ended
    calm = harness.run(*arguments, "--out", tmp_path / "calm").object
    assert ended.object["histories"] == calm["histories"]


def test_a_fence_that_kills_itself_is_told_from_one_that_is_killed(
    harness: Harness, tmp_path: Path, fences: Path
) -> None:
    ended = harness.run(
        write_scenario(tmp_path), "--fence", f"{fences}:KillsItself", *FIXED, "--schedules", 5, "--json"
    )
    assert (ended.status, ended.object["voided"], ended.object["inconclusive"]) == (1, 0, 0), ended
    assert ended.object["violations"] == {"crash": 2}  # each worker has a third write


def test_a_fence_that_stops_itself_for_good_is_a_dead_end(
    harness: Harness, tmp_path: Path, fences: Path
) -> None:
    ended = harness.run(
        write_scenario(tmp_path), "--fence", f"{fences}:StopsItself", *FIXED, "--schedules", 5, "--json"
    )
    assert (ended.status, ended.object["voided"]) == (1, 0), ended
    assert ended.object["violations"] == {"dead_end": 2}
