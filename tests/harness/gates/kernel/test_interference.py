"""Effects of other programs on a process are told from its own acts."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.gates.kernel import interference
from harness.gates.kernel.interference import (
    Patience,
    Signals,
    compute_limit_s,
    ended_by_itself,
    ending_signal,
    from_outside,
    starved,
)
from harness.gates.kernel.lane import Lane
from harness.model.gate import Candidate
from tests.acceptance.harness_process import eventually
from tests.patience import GENEROUS_S

pytestmark = pytest.mark.requires("kernel-gate")


@pytest.mark.parametrize("reaped", [False, True])
@pytest.mark.parametrize(("number", "found"), [(9, 9), (15, 15), (0, 0)])
def test_the_signal_that_ended_a_process_is_known(reaped: bool, number: int, found: int) -> None:
    code = "import signal; signal.pause()" if number else ""
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code])
    pidfd = os.pidfd_open(process.pid)
    try:
        if number:
            process.send_signal(number)
        select.select([pidfd], (), ())
        if reaped:
            # Before Linux 6.15 the kernel does not tell any more.
            process.wait()
            assert ending_signal(pidfd, process.pid) in (found, 0)
            return
        assert ending_signal(pidfd, process.pid) == found
    finally:
        process.wait()
        os.close(pidfd)


def test_a_signal_from_a_process_of_the_schedule_is_not_from_outside() -> None:
    signals = Signals()
    assert from_outside(signals, 5, signal.SIGKILL)
    signals.sent(4, signal.SIGKILL)
    signals.sent(5, signal.SIGTERM)
    signals.sent(5, 0)
    assert from_outside(signals, 5, signal.SIGKILL)
    assert not from_outside(signals, 5, signal.SIGTERM)
    signals.sent(-7, signal.SIGKILL)
    assert not from_outside(signals, 5, signal.SIGKILL)
    signals.clear()
    # The end may be seen a schedule later.
    assert not from_outside(signals, 5, signal.SIGTERM)
    signals.clear()
    assert from_outside(signals, 5, signal.SIGKILL)


def test_a_process_ends_itself_by_a_signal_that_it_alone_has_sent() -> None:
    signals = Signals()
    signals.sent(5, signal.SIGKILL, by_itself=True)
    signals.sent(6, signal.SIGKILL, by_itself=True)
    signals.sent(6, signal.SIGKILL)
    signals.sent(5, signal.SIGKILL, by_itself=True)
    assert ended_by_itself(signals, 5, signal.SIGKILL)
    assert not ended_by_itself(signals, 5, signal.SIGTERM)
    assert not ended_by_itself(signals, 6, signal.SIGKILL)
    assert not ended_by_itself(signals, 7, signal.SIGKILL)
    assert not ended_by_itself(signals, 5, 0)


def test_a_fault_is_its_own_unless_another_sends_it() -> None:
    signals = Signals()
    assert ended_by_itself(signals, 5, signal.SIGSEGV)
    assert not ended_by_itself(signals, 5, signal.SIGABRT)
    signals.sent(5, signal.SIGSEGV)
    assert not ended_by_itself(signals, 5, signal.SIGSEGV)


@pytest.mark.parametrize("number", [0, signal.SIGSEGV, signal.SIGABRT, signal.SIGXFSZ, signal.SIGALRM])
def test_an_end_of_its_own_doing_is_not_from_outside(number: int) -> None:
    assert not from_outside(Signals(), 5, number)


def test_time_in_which_the_supervisor_did_not_run_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(interference.time, "monotonic", lambda: now[0])
    patience = Patience(2.0)
    now[0] += 1000.0
    assert not patience.over()
    looks = 0
    while not patience.over():
        now[0] += 0.02
        looks += 1
    assert 85 <= looks <= 90


@contextlib.contextmanager
def _computing() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_process_that_sleeps_or_is_gone_is_not_starved() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        eventually(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S")
        assert not starved([process.pid])
    finally:
        process.kill()
        process.wait()
    assert not starved([process.pid])


def test_a_process_that_wants_to_run_and_gets_no_time_is_starved(monkeypatch: pytest.MonkeyPatch) -> None:
    with _computing() as process:
        monkeypatch.setattr(interference, "ran_ns", lambda pid, tid: 7)
        assert starved([process.pid])
        times = iter(range(0, 10**12, 10**9))
        monkeypatch.setattr(interference, "ran_ns", lambda pid, tid: next(times))
        assert not starved([process.pid])


def test_a_new_schedule_shows_no_candidate_of_the_one_before() -> None:
    """Where that one ended early, lanes were shown that were never picked."""
    lane = Lane(0)
    lane.show(Candidate(0, 3, 1, "openat", "T.ledger", True))
    lane.reset()
    assert lane.candidate is None


def test_patience_ends_by_processor_time_and_not_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process computes: the limit is its processor time, however long the clock takes for it."""
    monkeypatch.setattr(interference, "_MORE_WAITS", 10**9)
    before_ns = time.process_time_ns()
    patience = Patience(0.2, os.getpid())
    while not patience.over():
        pass
    assert patience.computed
    assert time.process_time_ns() - before_ns >= compute_limit_s(0.2) * 1e9


def test_a_call_in_between_gives_a_process_its_time_again() -> None:
    patience = Patience(GENEROUS_S, os.getpid())
    assert not patience.over()
    patience.made_call()
    assert not patience.over()
    assert not patience.computed
