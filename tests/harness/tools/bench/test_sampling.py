"""Samples and reference take turns, and the time of every process counts."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

from harness.tools.bench.reference import Reference
from harness.tools.bench.sampling import WARM_UPS, Spent, Stopwatch, in_turns

_BUSY = "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass\n"
_BUSY_NS = 100_000_000


class _Noted:
    """A reference that records when it runs; each run takes one nanosecond more."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self._runs = 0

    def run(self) -> Spent:
        self._runs += 1
        self.order.append("reference")
        return Spent(self._runs, 0)


def test_each_piece_lies_between_two_runs_of_the_reference() -> None:
    noted = _Noted()
    pieces = [lambda: noted.order.append("first"), lambda: noted.order.append("second")]
    taken = list(in_turns([noted], pieces, rounds=1))
    one = ["reference", "first", "reference", "second", "reference"]
    assert noted.order == one * (WARM_UPS + 1)
    # The mean of its own three runs, and of none before.
    assert [times for times, _ in taken] == [[3 * WARM_UPS + 2]]


def test_an_ended_child_is_counted() -> None:
    with Stopwatch(list) as watch:
        subprocess.run([sys.executable, "-c", _BUSY], check=True)
    assert watch.spent.cpu_ns > _BUSY_NS
    assert watch.spent.wall_ns > _BUSY_NS


def test_another_process_is_counted_while_it_lives() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", _BUSY + "print(1, flush=True)\ninput()\n"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout is not None
        with Stopwatch(lambda: [child.pid]) as watch:
            child.stdout.readline()
        assert watch.spent.cpu_ns > _BUSY_NS / 2
        with Stopwatch(lambda: [child.pid]) as watch:
            pass
        assert watch.spent.cpu_ns < _BUSY_NS / 2
        child.communicate(b"\n")


def test_waiting_takes_no_processor_time() -> None:
    with Stopwatch(list) as watch:
        subprocess.run(["sleep", "0.2"], check=True)
    assert watch.spent.cpu_ns < watch.spent.wall_ns / 2


def test_the_reference_takes_time_in_both_processes_and_ends() -> None:
    with Reference() as reference:
        child = psutil.Process(reference.pid)
        own = time.process_time_ns()
        spent = reference.run()
        own = time.process_time_ns() - own
        # It has about half of the work.
        assert spent.cpu_ns > own > 0
    assert not child.is_running()
