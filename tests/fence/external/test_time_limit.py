"""A limit counts the work of a process, and not the time that the machine keeps it waiting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from fence.external import time_limit
from fence.external.time_limit import TimeLimit, with_descendants

_TASK = (7, 8)


class Machine:
    """A clock, and one task with its times and its state.

    Args:
        monkeypatch: puts it in the place of the real one.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        self.ran_s = self.queued_s = self.own_s = 0.0
        self.wants = False
        monkeypatch.setattr(time_limit.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(time_limit, "_tasks", lambda pid: [_TASK[1]])
        monkeypatch.setattr(time_limit, "_times", self._times)
        monkeypatch.setattr(time_limit, "_wants", lambda pid, tid: self.wants)

    def _times(self, pid: int, tid: int) -> tuple[int, int]:
        if (pid, tid) == _TASK:
            return int(self.ran_s * 1e9), int(self.queued_s * 1e9)
        return int(self.own_s * 1e9), 0

    def until_over(
        self, limit: TimeLimit, ran: float = 0.0, queued: float = 0.0, own: float = 0.0, gap_s: float = 0.125
    ) -> float:
        """Return after how many seconds of real time a limit is over.

        Args:
            limit: which.
            ran, queued, own: share of the time in which the task runs; in which it waits for a
                processor; in which the caller does either.
            gap_s: real time between two questions.
        """
        begun_s = self.now_s
        while not limit.over():
            self.now_s += gap_s
            self.ran_s += ran * gap_s
            self.queued_s += queued * gap_s
            self.own_s += own * gap_s
        return self.now_s - begun_s


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def _limit(idle_s: float, computing_s: float | None = None) -> TimeLimit:
    return TimeLimit(idle_s, lambda: [_TASK[0]], computing_s)


def test_a_process_that_hangs_has_the_time_on_the_clock(machine: Machine) -> None:
    limit = _limit(10.0, 60.0)
    assert machine.until_over(limit) == 10.0
    assert (limit.spent, limit.starved) == ("10 s", False)


def test_a_process_that_computes_has_its_processor_time(machine: Machine) -> None:
    limit = _limit(10.0, 60.0)
    assert machine.until_over(limit, ran=1.0) == pytest.approx(60.0, abs=0.3)
    assert (limit.spent, limit.starved) == ("60 s of processor time", False)


@pytest.mark.parametrize("load", [2, 8])
def test_a_process_that_waits_for_a_processor_loses_nothing(machine: Machine, load: int) -> None:
    limit = _limit(10.0)
    took_s = machine.until_over(limit, ran=1 / load, queued=1 - 1 / load)
    assert took_s == pytest.approx(10.0 * load, abs=0.5)
    assert (limit.spent, limit.starved) == ("10 s of processor time", False)


def test_one_that_wants_to_run_and_never_does_is_starved(machine: Machine) -> None:
    machine.wants = True
    limit = _limit(10.0)
    assert machine.until_over(limit) == pytest.approx(300.0)
    assert (limit.spent, limit.starved) == ("300 s", True)


def test_a_wait_that_is_not_over_yet_does_not_count(machine: Machine) -> None:
    """The kernel counts a wait for a processor when it is over."""
    machine.wants = True
    limit = _limit(1.0, 10.0)
    assert machine.until_over(limit, ran=0.5) == pytest.approx(20.0, abs=0.5)
    assert limit.spent == "10 s of processor time"


def test_one_that_polls_is_found_as_one_that_hangs(machine: Machine) -> None:
    limit = _limit(10.0)
    assert machine.until_over(limit, ran=0.05, own=0.05) == pytest.approx(11.0, abs=0.5)
    assert limit.spent == "10 s"


def test_a_process_that_waits_for_its_slow_supervisor_loses_nothing(machine: Machine) -> None:
    """It is answered in each call; the supervisor has to wait for a processor itself."""
    assert machine.until_over(_limit(10.0), ran=0.1, own=0.9) == pytest.approx(100.0, abs=0.5)


def test_time_in_which_the_caller_did_not_run_counts_little(machine: Machine) -> None:
    limit = _limit(2.0)
    machine.now_s += 40.0
    assert not limit.over()
    assert machine.until_over(limit) == pytest.approx(1.75)


@pytest.fixture
def computing() -> Iterator[subprocess.Popen[bytes]]:
    """A process that starts one that computes, and waits for it."""
    code = "print(flush=True)\nwhile True: pass"
    argv = ["sh", "-c", '"$0" -I -S -c "$1"; :', sys.executable, code]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
    finally:
        for pid in reversed(with_descendants(process.pid)):
            subprocess.run(["kill", "-KILL", str(pid)], check=False)
        process.communicate()


def test_the_processor_time_of_a_real_process_is_counted(computing: subprocess.Popen[bytes]) -> None:
    pids = with_descendants(computing.pid)
    assert len(pids) == 2
    limit = TimeLimit(600.0, lambda: pids, 0.2)
    while not limit.over():
        subprocess.run(["true"], check=True)
    assert limit.spent == "0.2 s of processor time"


def test_a_real_process_that_sleeps_computes_nothing() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            limit = TimeLimit(0.3, lambda: [process.pid], 0.05)
            while not limit.over():
                subprocess.run(["true"], check=True)
        finally:
            process.kill()
    assert limit.spent == "0.3 s"
