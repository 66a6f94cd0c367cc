"""Handlers of calls that set timers: alarm, setitimer, timer_create, timerfd_create and what belongs to them.

The kernel has no part in the timers of a program with virtual time: the answers are given here, and
`timer_steps` ends the timers. Timers of a worker, of an adapter, and of clocks that count processor time are
the kernel's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import struct
import time
from collections.abc import Callable
from typing import Final

from harness.gates.kernel.adapter_time import kernel_waits
from harness.gates.kernel.handed_descriptors import hand_over
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.program_clock import ProgramClock
from harness.gates.kernel.quiescence import id_in_namespace, tasks_of
from harness.gates.kernel.reactions import CONTINUE, Answer, Reaction
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.gates.kernel.virtual_timers import SignalTimer, Timer

__all__ = ["HANDLERS"]

#: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, and CLOCK_TAI, of which there is no timerfd.
_FD_CLOCKS = (0, 1, 7)
_CLOCKS = (*_FD_CLOCKS, 11)
_ABSOLUTE, _FD_FLAGS = 1, 3
#: How a timer tells that it has ended: SIGEV_NONE, SIGEV_THREAD_ID; by a signal otherwise.
_SILENT, _TO_THREAD, _NOTIFICATIONS = 1, 4, (0, 1, 2, 4)
_EVENT = struct.Struct("=Qiii")
_NUMBER = struct.Struct("=i")
#: Seconds and fraction between two ends, then those until the first one.
_SPEC = struct.Struct("=4q")
_SECOND, _MICROSECOND = 1_000_000_000, 1000
_SECONDS_MAX = (1 << 31) - 1
_OWN_ALARM: Final = frozenset({"alarm", "setitimer"})

_DONE: Final = Answer()
_INVALID: Final = Answer(error=-errno.EINVAL)
_BAD_ADDRESS: Final = Answer(error=-errno.EFAULT)

_Handler = Callable[[SupervisorState, PendingSyscall, TraceeProcess, ProgramClock], Reaction]


def _in_virtual_time(handler: _Handler) -> Callable[[SupervisorState, PendingSyscall], Reaction]:
    """Return a handler that leaves a call to the kernel where its process has no virtual time."""

    def handle(state: SupervisorState, pending: PendingSyscall) -> Reaction:
        process = pending.process
        if not isinstance(process, TraceeProcess) or process.program.clock is None:
            kernel_waits(state, pending, process)
            if pending.call.name in _OWN_ALARM:
                with contextlib.suppress(OSError):
                    state.real_timers.take(pending, state.now_ns)
            return CONTINUE
        try:
            return handler(state, pending, process, process.program.clock)
        except OSError:
            # Were it left to the kernel, the kernel might set a timer of its own.
            return _BAD_ADDRESS

    return handle


# setitimer and alarm


def _alarm(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    """Set the timer of alarm; answer the seconds that were left, rounded as the kernel does."""
    timer, now_ns = process.program.own_timers().alarm, clock.read(time.CLOCK_MONOTONIC)
    seconds, rest = divmod(timer.left(now_ns), _SECOND)
    wanted = min(pending.args[0] & 0xFFFFFFFF, _SECONDS_MAX) * _SECOND
    timer.set(_due(now_ns, wanted), 0)
    state.timer_set()
    return Answer(seconds + (rest >= _SECOND // 2 or (rest > 0 and not seconds)))


def _setitimer(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer, now_ns = process.program.own_timers().alarm, clock.read(time.CLOCK_MONOTONIC)
    wanted = _read_spec(process, pending.args[1], _MICROSECOND) if pending.args[1] else (0, 0)
    if wanted is None:
        return _INVALID
    old = _spec_of(timer, now_ns, _MICROSECOND)
    timer.set(_due(now_ns, wanted[1]), wanted[0])
    state.timer_set()
    if pending.args[2]:
        process.memory.write(pending.args[2], old)
    return _DONE


def _getitimer(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    spec = _spec_of(process.program.own_timers().alarm, clock.read(time.CLOCK_MONOTONIC), _MICROSECOND)
    process.memory.write(pending.args[1], spec)
    return _DONE


# timer_create


def _timer_create(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    """Make a timer, or leave to the kernel one of another clock, and what it refuses."""
    if signed(pending.args[0]) not in _CLOCKS:
        return CONTINUE
    value: int | None = None
    number, how, tid = int(signal.SIGALRM), 0, 0
    if pending.args[1]:
        value, number, how, tid = _EVENT.unpack(process.memory.read(pending.args[1], _EVENT.size))
    if how not in _NOTIFICATIONS or (how != _SILENT and not 0 < number < signal.NSIG):
        return CONTINUE
    thread = 0
    if how == _TO_THREAD:
        thread = next((one for one in tasks_of(process.pid) if id_in_namespace(one) == tid), 0)
        if not thread:
            return CONTINUE
    timers = process.program.own_timers()
    timer = timers.make(number, value, thread, how == _SILENT)
    timer.is_of(signed(pending.args[0]))
    try:
        process.memory.write(pending.args[2], _NUMBER.pack(timer.number))
    except OSError:
        timers.delete(timer.number)
        raise
    return _DONE


def _of_number(process: TraceeProcess, pending: PendingSyscall) -> SignalTimer | None:
    return process.program.own_timers().made.get(signed(pending.args[0]))


def _timer_settime(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer = _of_number(process, pending)
    return CONTINUE if timer is None else _set(state, pending, process, clock, timer)


def _timer_gettime(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer = _of_number(process, pending)
    return CONTINUE if timer is None else _get(pending, process, clock, timer)


def _timer_getoverrun(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer = _of_number(process, pending)
    return CONTINUE if timer is None else Answer(timer.overrun)


def _timer_delete(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    deleted = process.program.own_timers().delete(signed(pending.args[0]))
    return _DONE if deleted else CONTINUE


# timerfd_create


def _timerfd_create(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    """Make a timer behind a descriptor, or leave to the kernel one of another clock, and what it refuses."""
    flags = pending.args[1] & 0xFFFFFFFF
    clock_number = signed(pending.args[0])
    if clock_number not in _FD_CLOCKS or flags & ~(os.O_CLOEXEC | os.O_NONBLOCK):
        return CONTINUE
    try:
        timer = state.timer_descriptors.make(process.worker, clock_number, flags)
        timer.is_of(clock_number)
        return Answer(hand_over(pending, timer.file, flags=flags & os.O_CLOEXEC))
    except OSError as error:
        return Answer(error=-(error.errno or errno.EMFILE))


def _timerfd_settime(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer = state.timer_descriptors.at(process, signed(pending.args[0]))
    if timer is None:
        return CONTINUE
    if pending.args[1] & 0xFFFFFFFF & ~_FD_FLAGS:
        return _INVALID
    return _set(state, pending, process, clock, timer)


def _timerfd_gettime(
    state: SupervisorState, pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock
) -> Reaction:
    timer = state.timer_descriptors.at(process, signed(pending.args[0]))
    return CONTINUE if timer is None else _get(pending, process, clock, timer)


# Common parts


def _set(
    state: SupervisorState,
    pending: PendingSyscall,
    process: TraceeProcess,
    clock: ProgramClock,
    timer: Timer,
) -> Reaction:
    """Set a timer from arguments that are number, flags, the new times, and where the old ones go."""
    wanted = _read_spec(process, pending.args[2], 1) if pending.args[2] else None
    if wanted is None:
        return _INVALID
    interval_ns, value_ns = wanted
    now_ns = clock.read(time.CLOCK_MONOTONIC)
    old = _spec_of(timer, now_ns, 1)
    start_ns = now_ns
    if pending.args[1] & _ABSOLUTE:
        start_ns = -clock.ahead() if timer.follows_date else 0
    timer.set(_due(start_ns, value_ns), interval_ns)
    state.timer_set()
    if pending.args[3]:
        process.memory.write(pending.args[3], old)
    return _DONE


def _get(pending: PendingSyscall, process: TraceeProcess, clock: ProgramClock, timer: Timer) -> Reaction:
    process.memory.write(pending.args[1], _spec_of(timer, clock.read(time.CLOCK_MONOTONIC), 1))
    return _DONE


def _due(start_ns: int, value_ns: int) -> int:
    """Return the virtual time at which a timer ends; 0 for one that is not to be set."""
    return max(1, min(start_ns + value_ns, FOREVER_NS - 1)) if value_ns else 0


def _read_spec(process: TraceeProcess, address: int, unit_ns: int) -> tuple[int, int] | None:
    """Return interval and time in nanoseconds; None where the kernel refuses them."""
    fields = _SPEC.unpack(process.memory.read(address, _SPEC.size))
    found = []
    for seconds, rest in (fields[:2], fields[2:]):
        if seconds < 0 or not 0 <= rest < _SECOND // unit_ns:
            return None
        found.append(seconds * _SECOND + rest * unit_ns)
    return found[0], found[1]


def _spec_of(timer: Timer, now_ns: int, unit_ns: int) -> bytes:
    """Return interval and remaining time as they stand in memory; no remainder is rounded to nothing."""
    parts = [-(-nanoseconds // unit_ns) for nanoseconds in (timer.interval_ns, timer.left(now_ns))]
    return _SPEC.pack(*(field for part in parts for field in divmod(part, _SECOND // unit_ns)))


#: By name of the call.
HANDLERS: dict[str, Callable[[SupervisorState, PendingSyscall], Reaction]] = {
    name: _in_virtual_time(handler)
    for name, handler in (
        ("alarm", _alarm),
        ("setitimer", _setitimer),
        ("getitimer", _getitimer),
        ("timer_create", _timer_create),
        ("timer_settime", _timer_settime),
        ("timer_gettime", _timer_gettime),
        ("timer_getoverrun", _timer_getoverrun),
        ("timer_delete", _timer_delete),
        ("timerfd_create", _timerfd_create),
        ("timerfd_settime", _timerfd_settime),
        ("timerfd_gettime", _timerfd_gettime),
    )
}
