"""Calls of programs before which threads stand, and that have ended by an event or by a signal."""

from __future__ import annotations

from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.signal_sets import to_be_handled

__all__ = ["take_ended"]

#: ERESTARTSYS: the kernel makes the call again, or EINTR of it, as the handler of the signal was set.
_RESTART = -512


def take_ended(
    tracee: TraceeProcess, now_ns: int, signalled: bool
) -> list[tuple[PendingSyscall, tuple[int, int, int]]]:
    """Return the calls of a process that wait and have ended, each with what to say to it.

    Args:
        tracee: the process.
        now_ns: virtual time.
        signalled: a signal was sent in this schedule.

    Returns:
        Calls, each with its value, negative errno, and flags.
    """
    program = tracee.program
    ended = [(wait.pending, wait.answer(now_ns)) for wait in program.take_ended_waits(tracee.takes_turns)]
    for thread in tracee.tasks.values() if signalled else ():
        if thread.status is Status.FLOCK and to_be_handled(tracee.pid, thread.tid):
            ended.append((thread.pending, (0, _RESTART, 0)))
    return ended
