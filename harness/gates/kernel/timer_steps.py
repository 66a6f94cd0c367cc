"""The end of a timer in virtual time: a step of its lane, named ``timer``.

A timer ends as soon as virtual time has come to it: its lane is then shown as standing before it, at any
call of its programs, and the step sends the signal, or makes the descriptor readable. The step
takes no time. Where no lane can go on, time jumps to the first timer as it does to the first sleeper.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import signal
import struct
from collections.abc import Iterator

from harness.gates.kernel.lane import Lane, TraceeProcess, TraceeThread
from harness.gates.kernel.pipe_wait import ANY_SLEEPER
from harness.gates.kernel.process import Status
from harness.gates.kernel.signal_sets import bit_of, signal_sets, waits_for_signals
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.timer_descriptors import TimerDescriptor
from harness.gates.kernel.virtual_timers import SignalTimer
from harness.model.errors import Shortage

__all__ = ["EndingTimer", "end_timer", "first_timer_ns", "show_due"]

_PIDFD_SEND_SIGNAL, _TGSIGQUEUEINFO = 424, 297
#: siginfo_t of a timer: signal, errno, code, number of the timer, overrun, value
_INFO = struct.Struct("=iii4xiiQ96x")
_SI_TIMER = -2

_libc = ctypes.CDLL(None, use_errno=True)


class EndingTimer(TraceeThread):
    """A timer as a task before which its lane is shown.

    Args:
        tracee: the process that has it.
        timer: which.
    """

    __slots__ = ("timer",)

    def __init__(self, tracee: TraceeProcess, timer: SignalTimer | TimerDescriptor) -> None:
        super().__init__(tracee, 0, -1)
        self.timer = timer
        self.wake_ns = timer.due_ns
        self.status = Status.TIMER


def show_due(state: SupervisorState) -> None:
    """Show each lane as standing before the first of its timers whose time has come."""
    first: dict[int, EndingTimer] = {}
    for lane, ending in _running(state):
        if ending.wake_ns <= state.now_ns and (
            lane.index not in first or ending.wake_ns < first[lane.index].wake_ns
        ):
            first[lane.index] = ending
    for index, ending in first.items():
        lane = state.lanes[index]
        lane.show_itself()
        lane.show_delegate(ending)


def first_timer_ns(state: SupervisorState) -> int | None:
    """Return the virtual time at which the first timer ends that does something; None for no timer."""
    return min((max(ending.wake_ns, lane.held_ns) for lane, ending in _running(state)), default=None)


def end_timer(state: SupervisorState, ending: EndingTimer) -> None:
    """Send the signal of a timer, or make its descriptor readable.

    Raises:
        Shortage: no further signal may wait for the process.
    """
    timer, process = ending.timer, ending.tracee
    # A sleeper may be woken, also in another process that has the same descriptor.
    for one in process.worker.processes():
        one.disturb(ANY_SLEEPER)
    count = timer.end(state.now_ns)
    if isinstance(timer, TimerDescriptor):
        timer.add(count)
        return
    state.signals.sent(process.pid, timer.signal_number)
    if timer.number < 0:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process.pidfd, timer.signal_number)
        return
    info = _INFO.pack(
        timer.signal_number, 0, _SI_TIMER, timer.number, timer.overrun, timer.value & (1 << 64) - 1
    )
    if timer.tid:
        result = _libc.syscall(_TGSIGQUEUEINFO, process.pid, timer.tid, timer.signal_number, info)
    else:
        result = _libc.syscall(_PIDFD_SEND_SIGNAL, process.pidfd, timer.signal_number, info, 0)
    code = ctypes.get_errno() if result else 0
    if code == errno.EAGAIN:
        raise Shortage("no further signal may wait for a process; raise the limit (ulimit -i)")
    # The process may be gone, or the thread.
    if code not in (0, errno.ESRCH):
        raise OSError(code, f"signal {timer.signal_number} of a timer: {os.strerror(code)}")


def _running(state: SupervisorState) -> Iterator[tuple[Lane, EndingTimer]]:
    """Yield the timers that will do something when they end, with their lanes."""
    for worker in state.workers.values():
        for process in worker.tracees.values():
            timers, lane = process.program.timers, process.lane
            if timers is None or lane is None or lane.status is Status.DEAD:
                continue
            for timer in timers.sending():
                if _is_felt(process, timer, state.now_ns):
                    yield lane, EndingTimer(process, timer)
    for described, holder in state.timer_descriptors.held():
        lane = holder.lane
        if lane is None or lane.status is Status.DEAD:
            continue
        # Of one that was not read, the next end changes no more than the count.
        if described.due_ns <= state.now_ns or not described.unread:
            yield lane, EndingTimer(holder, described)


def _is_felt(process: TraceeProcess, timer: SignalTimer, now_ns: int) -> bool:
    """Return whether a signal of a timer will be more than none: not ignored, and its last one was taken.

    Any other one ends without a step.
    """
    tid, bit = timer.tid or process.pid, bit_of(timer.signal_number)
    sets = signal_sets(tid)
    if not (timer.sent and sets.pending & bit) and not (sets.dropped & bit and not waits_for_signals(tid)):
        return True
    if timer.due_ns <= now_ns:
        timer.end_unfelt(now_ns)
    return False
