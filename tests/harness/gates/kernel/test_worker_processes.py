"""Processes that fork, fail, exit or are killed: the truth is known or said not to be, and nothing stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fence.none import NoFence
from harness.gates.kernel.gate import KernelGate
from harness.gates.kernel.worker_processes import WorkerProcesses
from harness.lanes import worker
from harness.model.errors import GateUnavailable
from harness.model.gate import Layout
from harness.model.history import LaneInfo, Return
from harness.system import pid_namespace
from tests.harness.gates.inherited import descriptors_of
from tests.harness.gates.kernel.call_names import FSTAT
from tests.harness.gates.kernel.dying import Dying
from tests.harness.gates.kernel.stage import Seen, Stage, as_explorer, program_of

pytestmark = pytest.mark.requires("kernel-gate")

ROOT = str(Path(__file__).parents[4])
WRITE = ["openat T", "write T", "close T"]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("processes"), Dying, ["p", "q"]) as stage:
        yield stage


def family() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


def crashes(seen: Seen) -> list[tuple[int, str]]:
    returns = [event for event in seen.events if isinstance(event, Return)]
    return [(event.lane, event.detail) for event in returns if event.outcome == "crash"]


def gone(pid: int, within_s: float = 120.0) -> bool:
    deadline = time.monotonic() + within_s
    first = True
    while first or time.monotonic() < deadline:
        first = False
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
                continue
        return True
    return False


def test_a_worker_has_none_of_its_parent_s_descriptors(stage: Stage) -> None:
    stage.run(["look"], ["look"])
    for pid in stage.gate.pids().values():
        assert descriptors_of(pid) == ["/dev/null"] * 3


def test_a_worker_leads_a_session_of_its_own(stage: Stage) -> None:
    """So a signal to its process group cannot reach the explorer, on a kernel without Landlock either."""
    stage.run(["look"], ["look"])
    for pid in stage.gate.pids().values():
        assert (os.getsid(pid), os.getpgid(pid)) == (pid, pid)


def test_workers_whose_namespace_ends_are_replaced_together(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends them one after the other; one that was alive yet voided another schedule."""
    stage.run(["look"], ["look"])
    before = stage.gate.pids()
    os.kill(before["p"], signal.SIGKILL)
    assert gone(before["p"])
    stage.run(["look"], ["look"])
    one_replaced = stage.gate.pids()
    assert one_replaced["q"] == before["q"]
    os.kill(one_replaced["p"], signal.SIGKILL)
    assert gone(one_replaced["p"])
    monkeypatch.setattr(WorkerProcesses, "all_end", True)
    stage.run(["look"], ["look"])
    assert stage.gate.pids()["q"] != before["q"]


def test_a_program_has_none_either(stage: Stage) -> None:
    (program,) = stage.run(["list_descriptors"], []).said(0)
    assert program.startswith("exit status 0: ")
    links = [link.partition(":")[0] for link in program.split()[3:]]
    assert links == ["/dev/null", "pipe", "pipe"]


def test_a_schedule_after_any_mishap_is_like_one_before(stage: Stage) -> None:
    words = (["write", "look"], ["look", "write"])
    first = stage.run(*words)
    process_faults = [
        "fork_and_write",
        "exit_hard",
        "kill_itself",
        "close_everything",
        "hide_directory",
        "fail",
    ]
    for process_fault in process_faults:
        stage.run([process_fault, "write"], ["write"])
        assert stage.run(*words).events == first.events, process_fault


@pytest.mark.parametrize(
    ("word", "calls", "content"),
    [
        ("fork_and_write", WRITE, b"aaaa\nbbbb\nx\n"),
        ("fork_and_look", ["newfstatat T"], b"aaaa\nbbbb\n"),
        ("run_cat", ["openat T", f"{FSTAT} T", "read T", "read T", "close T"], b"aaaa\nbbbb\n"),
    ],
)
def test_a_child_that_touches_the_session_does_so_in_its_lane_s_name(
    stage: Stage, word: str, calls: list[str], content: bytes
) -> None:
    seen = stage.run([word, "look"], ["look"])
    assert not seen.end.inconclusive
    assert not seen.end.waiting
    assert seen.outcomes(0) == ["ok", "ok"]
    assert seen.calls(0) == [*calls, "newfstatat T"]
    assert stage.path.read_bytes() == content
    assert all(not psutil.Process(pid).children() for pid in stage.gate.pids().values())


@pytest.mark.parametrize(
    ("word", "told"), [("fork_and_do_nothing", "0"), ("run_true", "0"), ("fork_and_return", "parent")]
)
def test_a_child_that_minds_its_own_business_is_let_be(stage: Stage, word: str, told: str) -> None:
    seen = stage.run([word, "look"], ["write"])
    assert not seen.end.inconclusive
    assert seen.said(0) == [told, ""]
    assert seen.said(1) == [""]


def test_a_child_program_cannot_write_outside(stage: Stage) -> None:
    seen = stage.run(["run_shell_outside"], [])
    assert seen.said()[0] != "0"
    assert not (stage.directory.parent / "made").exists()
    assert not seen.end.inconclusive


@pytest.mark.parametrize("word", ["fork_and_leave", "fork_twice"])
def test_a_process_left_running_is_gone_after_the_schedule(stage: Stage, word: str) -> None:
    seen = stage.run([word, "write"], [])
    assert not seen.end.inconclusive
    assert not stage.pid_here(int(seen.said()[0]))


@pytest.mark.parametrize("word", ["ignore_terminate"])
def test_a_process_that_does_not_want_to_go_is_gone_when_the_gate_is_closed(stage: Stage, word: str) -> None:
    seen = stage.run([word, "write"], [])
    pid = stage.pid_here(int(seen.said()[0]))
    assert pid
    stage.restart()
    try:
        assert gone(pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_process_that_exits_is_a_crash_of_its_lane(stage: Stage) -> None:
    stage.run(["look"], ["look"])
    pids = stage.gate.pids()
    seen = stage.run(["write", "exit_hard", "write"], ["write"])
    assert crashes(seen) == [(0, "the process ended with status 3")]
    assert not seen.end.inconclusive
    assert not seen.end.waiting
    assert seen.calls(0) == seen.calls(1) == WRITE
    assert stage.run(["look"], ["look"]).outcomes(0) == ["ok"]
    assert stage.gate.pids()["p"] != pids["p"]
    assert stage.gate.pids()["q"] == pids["q"]


@pytest.mark.parametrize("word", ["become_true", "become_shell"])
def test_a_process_that_becomes_another_program_accuses_of_nothing_but_its_end(
    stage: Stage, word: str
) -> None:
    seen = stage.run(["write", word], ["write"])
    assert crashes(seen) == [(0, "the process ended with status 0")] or seen.end.inconclusive
    # The program's writes are known, or said not to be.
    changed = [lane for lane, _, _ in seen.changes()]
    assert changed == ([0, 0, 1] if word == "become_shell" else [0, 1]) or seen.end.inconclusive
    assert stage.run(["look"], ["look"]).outcomes(0) == ["ok"]


def test_an_exit_by_exception_is_a_crash_and_the_process_goes_on(stage: Stage) -> None:
    stage.run(["look"], ["look"])
    pids = stage.gate.pids()
    seen = stage.run(["exit_politely", "write"], [])
    assert crashes(seen) == [(0, "SystemExit: 4")]
    assert seen.outcomes(0)[0] == "crash"
    stage.run(["look"], ["look"])
    assert stage.gate.pids() == pids


@pytest.mark.parametrize(
    ("word", "number"),
    [("kill_itself", 9), ("kill_group", 9), ("end_by_descriptor", 15), ("abort", 6), ("crash_hard", 11)],
)
def test_a_process_that_ends_itself_by_a_signal_has_crashed(stage: Stage, word: str, number: int) -> None:
    seen = stage.run(["write", word], ["write"])
    assert not seen.end.inconclusive
    assert crashes(seen) == [(0, f"the process was killed by signal {number}")]


@pytest.mark.parametrize(
    ("word", "number"),
    [("be_killed_by_child", 9), ("be_faulted_by_child", 11)],
)
def test_a_process_that_another_ends_accuses_no_fence(stage: Stage, word: str, number: int) -> None:
    seen = stage.run(["write", word], ["write"])
    assert seen.end.inconclusive == f"process p was killed by signal {number}"
    assert not crashes(seen)


def test_a_process_that_a_limit_of_the_harness_ends_accuses_no_fence(stage: Stage) -> None:
    seen = stage.run(["write", "write_too_much"], ["write"])
    assert seen.end.inconclusive.startswith("process p was killed by signal 25; a file has at most 8 MiB")
    assert not crashes(seen)


def test_an_exception_of_a_fence_is_a_crash_with_its_words(stage: Stage) -> None:
    assert crashes(stage.run(["fail"], ["fail_without_words"])) == [
        (0, "ValueError: broken on purpose"),
        (1, "Mute: Mute whose text cannot be had"),
    ]


@pytest.mark.parametrize("name", ["p", "q"])
def test_a_worker_killed_between_schedules_is_replaced(stage: Stage, name: str) -> None:
    words = (["write", "look"], ["look", "write"])
    first = stage.run(*words)
    pid = stage.gate.pids()[name]
    os.kill(pid, signal.SIGKILL)
    assert gone(pid)
    assert stage.run(*words).events == first.events
    assert stage.gate.pids()[name] != pid


def test_a_worker_killed_in_the_middle_makes_the_truth_unknown(stage: Stage) -> None:
    class Killer:
        name = about = "killer"
        sees_own_steps = True

        def begin(self, rng: object, lanes: int) -> None:
            self.steps = 0

        def pick(self, candidates: object) -> int:
            self.steps += 1
            if self.steps == 2:
                os.kill(stage.gate.pids()["q"], signal.SIGKILL)
            return 0

        def end(self, steps: int) -> None:
            pass

    seen = stage.play(program_of(stage.lanes, [["write"], ["write"]]), Killer())
    assert seen.end.inconclusive == "process q was killed by signal 9"
    assert not crashes(seen)
    assert stage.run(["write"], ["write"]).outcomes(1) == ["ok"]


def test_a_directory_in_the_session_directory_is_gone_afterwards(stage: Stage) -> None:
    for word in ("make_directory", "hide_directory"):
        seen = stage.run([word], [])
        assert not seen.end.inconclusive
        assert not stage.run(["look"], []).end.inconclusive
        assert os.listdir(stage.directory) == ["transcript.jsonl"]


def test_starting_and_closing_leaves_no_process_and_no_descriptor(tmp_path: Path) -> None:
    before, namespaces = family(), len(pid_namespace.held())
    with Stage(tmp_path, Dying) as stage:
        descriptors = sorted(os.listdir("/proc/self/fd"))
        for _ in range(20):
            stage.run(["write"])
            stage.restart()
        # The worker, and the first process of its namespace of process ids, where it has one.
        assert len(family()) == len(before) + 1 + len(pid_namespace.held()) - namespaces
        assert sorted(os.listdir("/proc/self/fd")) == descriptors
    assert family() == before


def test_replacing_workers_leaves_no_process_and_no_descriptor(stage: Stage) -> None:
    stage.run(["look"], ["look"])
    before, descriptors = len(family()), sorted(os.listdir("/proc/self/fd"))
    for _ in range(10):
        stage.run(["exit_hard"], ["look"])
    stage.run(["look"], ["look"])
    assert len(family()) == before
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


def test_a_fence_that_cannot_be_loaded_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    before, descriptors = family(), sorted(os.listdir("/proc/self/fd"))
    layout = Layout("missing.py:Fence", (LaneInfo("a", "runner", "p", True),), {}, NoFence.declared_locks())
    gate = KernelGate(str(tmp_path.resolve()), worker.main)
    with as_explorer(0), pytest.raises(GateUnavailable, match=r"no file missing\.py"):
        gate.start(layout)
    gate.close()
    assert family() == before
    assert sorted(os.listdir("/proc/self/fd")) == descriptors


_SUPERVISOR = """
import sys, time
from pathlib import Path
from tests.harness.gates.kernel.dying import Dying
from tests.harness.gates.kernel.stage import Stage
stage = Stage(Path(sys.argv[1]), Dying, ["p", "q"]).__enter__()
stage.run(["write"], ["write"])
print(*stage.gate.pids().values(), flush=True)
time.sleep(300)
"""


def test_workers_die_with_their_supervisor(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ROOT},
    ) as supervisor:  # fmt: skip
        assert supervisor.stdout is not None
        pids = [int(word) for word in supervisor.stdout.readline().split()]
        assert len(pids) == 2
        supervisor.kill()
    assert all(gone(pid) for pid in pids)
