"""Threads of a program have one processor and run in turn; a spinning one is found by its processor time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel import thread_turns
from harness.gates.kernel.gate import WALL_LIMIT_S
from harness.gates.kernel.interference import NO_LIMIT_S
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.syscall_table import CHDIR
from harness.gates.kernel.thread_turns import spin_limit_s

pytestmark = pytest.mark.requires("kernel-gate")


@pytest.fixture
def child() -> Iterator[int]:
    """A process that waits for a signal."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    yield process.pid
    process.stdout.close()
    process.kill()
    process.wait()


@pytest.fixture
def process(child: int) -> Iterator[Process]:
    found = Process("p", child, -1)
    yield found
    found.close()


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The machine's share for real-time tasks, to be written."""
    path = tmp_path / "share"
    path.write_text("950000\n")
    monkeypatch.setattr(thread_turns, "_SHARE", str(path))
    thread_turns._unbounded.cache_clear()
    yield path
    thread_turns._unbounded.cache_clear()


def test_a_process_keeps_one_of_its_processors(child: int) -> None:
    before = os.sched_getaffinity(child)
    thread_turns.keep_on_one_processor(child)
    kept = os.sched_getaffinity(child)
    assert len(kept) == 1 and kept <= before
    thread_turns.keep_on_one_processor(child)
    assert os.sched_getaffinity(child) == kept


@pytest.mark.requires("threads one at a time")
def test_threads_get_a_policy_and_lose_it(child: int) -> None:
    thread_turns.run_one_by_one(child)
    assert os.sched_getscheduler(child) == os.SCHED_FIFO
    thread_turns.keep_on_one_processor(child)
    thread_turns.run_freely(child)
    assert os.sched_getscheduler(child) == os.SCHED_OTHER
    assert os.sched_getaffinity(child) == os.sched_getaffinity(0)


def test_no_policy_where_it_could_keep_a_processor_for_good(child: int, bound: Path) -> None:
    bound.write_text("-1\n")
    thread_turns.run_one_by_one(child)
    assert os.sched_getscheduler(child) == os.SCHED_OTHER
    assert thread_turns.unavailable().startswith("kernel.sched_rt_runtime_us is -1")


def test_a_machine_that_does_not_allow_it_gets_the_remedy(
    monkeypatch: pytest.MonkeyPatch, bound: Path, child: int
) -> None:
    def refuse(pid: int, policy: int, parameter: os.sched_param) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert thread_turns.unavailable() == (
        "SCHED_FIFO: Operation not permitted; run as root, or allow CAP_SYS_NICE"
    )
    thread_turns.run_one_by_one(child)


def test_a_process_that_is_gone_is_no_error() -> None:
    with subprocess.Popen(["true"]) as gone:
        pass
    thread_turns.keep_on_one_processor(gone.pid)
    thread_turns.run_one_by_one(gone.pid)
    thread_turns.run_freely(gone.pid)
    assert not thread_turns.SpinWatch(0).spins(gone.pid)


def test_a_busy_process_spins_and_a_sleeping_one_does_not(child: int) -> None:
    watch = thread_turns.SpinWatch(0.05)
    assert not watch.spins(child)
    assert not watch.spins(child)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        while not watch.spins(busy.pid):
            assert busy.poll() is None
        assert not watch.spins(child)
        busy.send_signal(signal.SIGKILL)


def test_spinning_is_found_without_a_wall_limit_as_with_one() -> None:
    """A debugger has none; a program that spins would stand there for good."""
    assert spin_limit_s(NO_LIMIT_S) == spin_limit_s(WALL_LIMIT_S)
    assert spin_limit_s(1.0) < 1.0


def test_each_thread_gets_its_turn_before_one_gets_a_second(process: Process) -> None:
    order = {101: 0, 102: 1, 103: 2}
    for tid in (103, 101, 102):
        process.queue(PendingSyscall(tid, CHDIR, (), process, tid))
    taken = []
    for _ in range(5):
        pending = process.take_next_queued(order)
        taken.append(pending.tid)
        # It asks again and again.
        process.queue(pending)
    assert taken == [101, 102, 103, 101, 102]


def test_a_call_of_a_thread_that_has_ended_is_not_let_go(process: Process) -> None:
    for tid in (101, 102):
        process.queue(PendingSyscall(tid, CHDIR, (), process, tid))
    process.forget_queued(but=[102])
    assert list(process.queued) == [102]
