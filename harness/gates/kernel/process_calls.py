"""Handlers of calls about no file: lanes that wait, sleep, randomness, new tasks, copies of descriptors.

They are no steps, but for a dup2 or its like that closes one of the session's files.
"""

from __future__ import annotations

import errno
import struct
import time
from typing import Final

from harness.gates.kernel import process_tree
from harness.gates.kernel.adapter_time import asleep, clock_of, date_of, kernel_waits
from harness.gates.kernel.adapter_vdso import STEADY
from harness.gates.kernel.eventfd import OCCUPIED, is_reserved, make
from harness.gates.kernel.file_calls import by_descriptor
from harness.gates.kernel.lane import TraceeProcess, TraceeThread, Worker
from harness.gates.kernel.path_resolution import descriptor, signed
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.program_clock import DATES
from harness.gates.kernel.reactions import (
    CONTINUE,
    STOP_AT_FILE,
    Answer,
    Inconclusive,
    Reaction,
    Stop,
)
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_arguments import closed_by_copy
from harness.gates.kernel.syscall_table import NEW_NAMESPACE
from harness.gates.kernel.timed_waits import TimedWait, wait_of
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.model.stop_reasons import (
    ANSWERED,
    ASK,
    IDLE,
    OUTPUT,
    PAUSE,
    SCREEN,
    SCREEN_BYTES,
    SERVE,
    SLEEP,
    TERMINAL,
    THINK,
    TURN,
    is_stop,
)

__all__ = [
    "clock",
    "eventfd",
    "fcntl",
    "pass_on",
    "randomness",
    "refused",
    "sleep",
    "table",
    "task",
    "timed_wait",
    "yielded",
]

_ABSOLUTE_TIME = 1
_CLONE_THREAD = 0x10000
_CLONE_VFORK = 0x4000
_DUPFD = (0, 1030)
#: F_SETOWN and F_SETOWN_EX: the kernel would signal any process when there is something to read.
_OWNER = (8, 15)
_MS = 1_000_000
_SECOND = 1_000_000_000
_TIMESPEC = struct.Struct("=2q")
_COUNT = struct.Struct("=q")
_RANDOM_MAX = 1 << 16
#: Of a process and of a thread; numbers below 0 are those of any process.
_PROCESSOR_TIMES = (2, 3)
_CLOCK_MAX = 11
_DATE = 0

_DONE: Final = Answer()
_NOT_PERMITTED: Final = Answer(error=-errno.EPERM)
_IDLE: Final = Stop(Status.DONE)
_THINK: Final = Stop(Status.THINK)
_TURN: Final = Stop(Status.TURN)


def pass_on(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Let the kernel run a call that is trapped only so that its time is known."""
    return CONTINUE


def yielded(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a sched_yield: a program's own, or one in which a lane says what it waits for."""
    return _stopped(state, pending) if is_stop(pending.args) else CONTINUE


def _stopped(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    worker, tid = pending.process, pending.tid
    why, index, value = pending.args[0], pending.args[1], pending.args[2]
    if not isinstance(worker, Worker):
        # A child that was forked from a lane, and goes on with the lane's code.
        return _DONE
    if why in (SERVE, ASK, ANSWERED):
        process_tree.service_announced(state, worker, worker.tasks.get(tid), why, index, value)
        return _DONE
    if not any(lane.index == index for lane in worker.lanes):
        return _DONE
    if why in (TERMINAL, OUTPUT):
        return _given(state, pending, index, value)
    lane = state.lanes[index]
    if why == SCREEN:
        terminal = state.terminals.of(lane)
        text = state.told(terminal.screen()).encode()[-SCREEN_BYTES:] if terminal is not None else b""
        worker.memory.write(value, text)
        return Answer(len(text))
    worker.lane_runs_in(tid, lane)
    if why == IDLE:
        # A worker that has just been started waits for its first program.
        return _IDLE
    if why == THINK:
        lane.think(value)
        return _THINK
    if why == TURN:
        lane.stop_polling()
        return _TURN
    assert why in (SLEEP, PAUSE)
    if why == PAUSE:
        lane.stop_polling()
    return Stop(Status.SLEEP, state.later(value))


def _given(state: SupervisorState, pending: PendingSyscall, lane: int, op: int) -> Reaction:
    """Give a lane a terminal, or a standard output, for the program that it is about to start."""
    is_output = pending.args[0] == OUTPUT
    try:
        if is_output:
            return state.outputs.open(pending, lane, op)
        return state.terminals.open(pending, lane, op, state.signals)
    except OSError as error:
        what = "standard output" if is_output else "terminal"
        reason = f"no {what} for the program of lane {lane}: {error.strerror}"
        return Inconclusive(reason, Answer(error=-(error.errno or errno.EIO)))


def sleep(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Leave a task asleep in virtual time."""
    process, args = pending.process, pending.args
    task = process.tasks.get(pending.tid)
    if task is None or process.runs_freely:
        return CONTINUE
    if isinstance(task, TraceeThread) and task.is_runtimes_own:
        kernel_waits(state, pending, process)
        return CONTINUE
    plain = pending.call.name == "nanosleep"
    data = process.memory.read(args[0 if plain else 2], _TIMESPEC.size)
    seconds, rest = _TIMESPEC.unpack(data) if len(data) == _TIMESPEC.size else (-1, 0)
    # Fails for a clock that does not exist, and then the kernel says so.
    clock_ns = 0 if plain else time.clock_gettime_ns(signed(args[0]))
    if seconds < 0 or not 0 <= rest < _SECOND:
        return CONTINUE
    duration = seconds * _SECOND + rest
    if not plain and args[1] & _ABSOLUTE_TIME:
        # Python code has the virtual clock, the C library the real one: whichever it is near to.
        real = duration - clock_ns
        virtual = duration - state.now_ns
        if signed(args[0]) in DATES:
            virtual -= state.clocks.ahead_ns(process.name)
        # The real clock moved between the caller's look and ours.
        duration = virtual if abs(virtual) < abs(real) else -(-real // _MS) * _MS
        date = clock_of(process)
        if date is not None and signed(args[0]) in STEADY and isinstance(process, TraceeProcess):
            duration = date.steady.left(seconds * _SECOND + rest, signed(args[0]), process.program.steady)
    asleep(state, pending, process)
    wake_ns = state.later(max(0, duration))
    if isinstance(process, TraceeProcess) and process.program.clock is not None:
        # A signal may end it.
        process.program.waits_before(pending.tid, TimedWait(pending, wake_ns))
    return Stop(Status.SLEEP, wake_ns)


def timed_wait(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Leave a program's thread asleep in virtual time, until what it waits for is there."""
    process = pending.process
    if not isinstance(process, TraceeProcess) or process.program.clock is None or process.runs_freely:
        kernel_waits(state, pending, process)
        return CONTINUE
    wait = wait_of(pending, process.program.clock)
    if wait is None:
        return CONTINUE
    process.program.waits_before(pending.tid, wait)
    return Stop(Status.SLEEP, min(wait.until_ns, FOREVER_NS))


def randomness(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Answer with bytes that are the same in every run."""
    process, length = pending.process, min(pending.args[1], _RANDOM_MAX)
    stream: tuple[object, ...] = ()
    if isinstance(process, TraceeProcess) and process.service is not None:
        # An adapter lives over schedules, and libraries in it draw once for its life, by other lengths and
        # flags than the calls of its code: those must not count as draws of the schedule in which they come.
        stream = process.worker.name, length, pending.args[2]
    process.memory.write(pending.args[0], state.random(length, *stream))
    return Answer(length)


def clock(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Answer a program or an adapter that reads a clock by a call; those of a worker are the kernel's."""
    process, args, name = pending.process, pending.args, pending.call.name
    now_ns = _time(state, pending, signed(args[0]) if name == "clock_gettime" else _DATE)
    if now_ns is None:
        return CONTINUE
    seconds, rest = divmod(now_ns, _SECOND)
    if name == "clock_gettime":
        process.memory.write(args[1], _TIMESPEC.pack(seconds, rest))
        return _DONE
    if name == "time":
        if args[0]:
            process.memory.write(args[0], _COUNT.pack(seconds))
        return Answer(seconds)
    if args[0]:
        process.memory.write(args[0], _TIMESPEC.pack(seconds, rest // 1000))
    return _DONE


def _time(state: SupervisorState, pending: PendingSyscall, number: int) -> int | None:
    """Return what a clock shows to a process, in nanoseconds; None for one of the kernel's."""
    process = pending.process
    date = clock_of(process)
    if date is not None:
        if number in STEADY and date.steady.ahead_ns:
            return time.clock_gettime_ns(number) + date.steady.ahead_ns
        return date_of(state, pending, date) if number in DATES else None
    if not isinstance(process, TraceeProcess) or process.program.clock is None or number > _CLOCK_MAX:
        return None
    now_ns = process.program.clock.read(number)
    return now_ns - state.started_ns if number in _PROCESSOR_TIMES or number < 0 else now_ns


def eventfd(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Make an event descriptor for a child process."""
    process = pending.process
    number = make(process, pending) if isinstance(process, TraceeProcess) else None
    return CONTINUE if number is None else Answer(number)


def task(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Note that a process starts a thread, a process or another program."""
    # New tasks are under the same filter and listener; their calls are received like any other.
    process = pending.process
    if pending.call.name in ("execve", "execveat"):
        process_tree.exec_announced(state, process)
    else:
        state.task_started()
        flags = _clone_flags(pending)
        if flags & NEW_NAMESPACE:
            return _NOT_PERMITTED
        if not flags & _CLONE_THREAD:
            process_tree.fork_announced(state, process, pending.tid, bool(flags & _CLONE_VFORK))
        else:
            process_tree.thread_announced(process)
    return CONTINUE


def _clone_flags(pending: PendingSyscall) -> int:
    name = pending.call.name
    if name == "clone":
        return pending.args[0]
    return _CLONE_VFORK if name == "vfork" else 0


def refused(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Answer that a call is not permitted: it is about the machine, or leaves something behind."""
    return _NOT_PERMITTED


def fcntl(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Handle a copy of a descriptor, a receiver of signals, or a lock, which is a step."""
    command = pending.args[1] & 0xFFFFFFFF
    if command in _DUPFD:
        return table(state, pending)
    if command in _OWNER:
        return _NOT_PERMITTED
    return by_descriptor(state, pending)


def table(state: SupervisorState, pending: PendingSyscall) -> Reaction:
    """Stop before a dup or its like that closes one of the session's files, let any other one pass."""
    process, files = pending.process, state.files
    files.descriptors_copied()
    closed = closed_by_copy(process, pending)
    inodes = [descriptor(files, process, fd) for fd in closed]
    inside = [inode for inode in inodes if inode is not None]
    reaction = CONTINUE if not inside or pending.tid not in process.tasks else STOP_AT_FILE
    if reaction is STOP_AT_FILE:
        pending.is_about(inside[0])
    else:
        for fd in closed:
            process.forget_fd(fd)
    if any(is_reserved(fd) for fd in _wanted(pending)):
        return Inconclusive(OCCUPIED, reaction)
    return reaction


def _wanted(pending: PendingSyscall) -> list[int]:
    """Return the number that a copy of a descriptor is to have, or the least that it may have."""
    if pending.call.name in ("dup2", "dup3"):
        return [signed(pending.args[1])]
    return [signed(pending.args[2])] if pending.call.name == "fcntl" else []
