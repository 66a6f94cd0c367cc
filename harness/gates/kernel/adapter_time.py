"""Calls of adapters about time: a read of the date is answered, a wait is the kernel's.

An adapter, or another process that no lane has started, reads the date by calls
(`program_clock.ask_for_date`). A sleep of it is virtual, and its other clocks are told of that
(`steady_clock`).
"""

from __future__ import annotations

import contextlib

from harness.gates.kernel.adapter_clock import AdapterClock
from harness.gates.kernel.lane import TraceeProcess, TraceeThread
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["asleep", "awake", "clock_of", "date_of", "kernel_waits"]

#: The date until the first schedule begins, in nanoseconds.
_BEFORE_NS = 1_780_000_000_000_000_000


def clock_of(process: Process) -> AdapterClock | None:
    """Return the clock of a process that is an adapter, or was started by one; None for any other."""
    return process.program.date if isinstance(process, TraceeProcess) else None


def date_of(state: SupervisorState, pending: PendingSyscall, clock: AdapterClock) -> int:
    """Return the date that an adapter reads, in nanoseconds, and count the read.

    Args:
        state: of the supervisor.
        pending: the call by which it does.
        clock: of the adapter.
    """
    now_ns = clock.read(pending.tid, state.now_ns or _BEFORE_NS)
    return now_ns + state.clocks.ahead_ns(pending.process.name)


def kernel_waits(state: SupervisorState, pending: PendingSyscall, process: Process) -> None:
    """Take in that a call is left to the kernel that may wait at most for a time, or set a timer.

    Args:
        state: of the supervisor.
        pending: the call.
        process: that makes it.
    """
    clock = clock_of(process)
    if clock is None:
        return
    pending.made_by(process)
    # Where its arguments point nowhere the kernel says so.
    with contextlib.suppress(OSError):
        clock.kernel_waits(pending, state.now_ns or _BEFORE_NS, state.clocks.ahead_ns(process.name))


def asleep(state: SupervisorState, pending: PendingSyscall, process: Process) -> None:
    """Take in that a thread begins a sleep in virtual time."""
    clock = clock_of(process)
    if clock is not None:
        clock.steady.falls_asleep(pending.tid, state.now_ns)


def awake(state: SupervisorState, thread: TraceeThread) -> None:
    """Tell an adapter's processes that a sleep of one of its threads is over, by their steady clocks."""
    clock = thread.tracee.program.date
    if clock is None or not clock.steady.wakes(thread.tid, state.now_ns):
        return
    for tracee in thread.tracee.worker.tracees.values():
        if tracee.program.date is clock and tracee.program.steady is not None:
            tracee.program.steady.tell(clock.steady.ahead_ns)
