"""Waits of an adapter that the machine's clock ends while a request is under way.

Its runtime asks for them: ``time.Sleep`` of Go, ``Thread.sleep`` of a JVM, poll, select, a condition with a
time-out. The kernel has them in real time, and all lanes stand meanwhile, so that it is not left to chance
which lane comes first. Then the lane waits for as long in virtual time. That time is rounded up, because a
runtime asks for a little less than it was asked for, and how much less is chance.
"""

from __future__ import annotations

from harness.gates.kernel.adapter_clock import AdapterClock
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.process import Status
from harness.gates.kernel.process_scheduler import ProcessScheduler
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["let_end", "rounded_up", "waited_ns"]

#: So many waits are awaited behind each other: a thread of the runtime may wait for ever, time after time.
_ENDS_MAX = 8
_STEPS = (1, 2, 5)
_MS = 1_000_000


def let_end(state: SupervisorState, scheduler: ProcessScheduler, worker: Worker, lane: Lane) -> None:
    """Wait for a lane whose adapter owes an answer and waits for a time, until it stops or waits for ever."""
    for _ in range(_ENDS_MAX):
        if lane.status is not Status.ASLEEP or state.inconclusive or worker.must_replace:
            return
        ends = [end for clock in _clocks(worker, lane) if (end := clock.next_end()) is not None]
        if not ends:
            return
        scheduler.await_end(worker, lane, min(ends))


def waited_ns(worker: Worker, lane: Lane) -> int:
    """Return for how long a lane has to wait in virtual time that has just stopped, in nanoseconds."""
    if lane.status is Status.ASLEEP:
        return 0
    thread = lane.delegate
    if thread is not None:
        clock = thread.tracee.program.date
        found = 0 if clock is None else clock.take_waited(thread.tid)
    else:
        found = 0
        for tracee in worker.tracees.values():
            if tracee.service is not None and tracee.program.date is not None:
                found = max(found, tracee.program.date.take_waited())
    return rounded_up(found)


def rounded_up(duration_ns: int) -> int:
    """Return the next of 1, 2, 5, 10, 20, 50 ... milliseconds, in nanoseconds; 0 for 0."""
    if duration_ns <= 0:
        return 0
    unit_ns = _MS
    while True:
        for step in _STEPS:
            if duration_ns <= step * unit_ns:
                return step * unit_ns
        unit_ns *= 10


def _clocks(worker: Worker, lane: Lane) -> list[AdapterClock]:
    """Return those of the adapters that owe a lane an answer."""
    return [
        tracee.program.date
        for tracee in worker.tracees.values()
        if tracee.service is not None and lane in tracee.service.requests and tracee.program.date is not None
    ]
