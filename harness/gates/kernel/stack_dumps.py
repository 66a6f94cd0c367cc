"""Ask a worker where a lane is that does not stop: the stack of its thread.

The worker has `faulthandler` write a thread's stack to standard error at `STACK_SIGNAL`. It does so in C,
also while the thread computes without end or sleeps in a lock. The supervisor takes each of these writes, as
it is told of every write, so that no descriptor has to lead out of the worker.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import select
import time

from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.linux_abi import NUMBERS
from harness.gates.kernel.notifications import receive
from harness.gates.kernel.process import PendingSyscall, Status, respond
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.model.code_trace import Place, Stack, one_line
from harness.model.stop_reasons import STACK_SIGNAL
from harness.system.source_files import OURS, USERS, is_inherited, owner_of, short, source_line, whole

__all__ = ["place_of", "stack_of", "told", "without_harness"]

_POLL_MS = 5
#: A thread that wants to run and gets no processor time for so long is not waited for.
_PATIENCE_S = 20.0
_TEXT_MAX = 1 << 16
_STDERR = 2
_FRAME = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_HEAD = "Stack (most recent call first):"
_WORDS_MAX = 6

_syscall = ctypes.CDLL(None).syscall


def place_of(file: str, line: int, function: str) -> Place:
    """Return a line of code as it is shown.

    Args:
        file: absolute name.
        line: from 1.
        function: that it is in.
    """
    foreign = is_inherited(file) or owner_of(file) == OURS
    return Place(short(file), line, function, source_line(file, line), foreign)


def stack_of(state: SupervisorState, worker: Worker, lane: Lane) -> Stack | None:
    """Return where a lane is that moves, or sleeps in the kernel; None where that cannot be had.

    Calls that the process makes meanwhile are left unanswered: it has to be replaced.

    Args:
        state: of the supervisor.
        worker: of the lane.
        lane: has not stopped.
    """
    tid = next((tid for tid, one in worker.tasks.items() if one is lane), 0)
    if lane.status not in (Status.MOVING, Status.ASLEEP) or not tid:
        return None
    if _syscall(*map(ctypes.c_long, (NUMBERS["tgkill"], worker.pid, tid, STACK_SIGNAL))):
        return None
    text = _written(state, worker, tid).rpartition(_HEAD)[2]
    frames = [place_of(file, int(line), name) for file, line, name in _FRAME.findall(text)]
    return Stack(lane.index, without_harness(frames)) if frames else None


def without_harness(frames: list[Place]) -> tuple[Place, ...]:
    """Return a stack, innermost first, without the frames of the harness that called the fence."""
    last = max((at for at, one in enumerate(frames) if owner_of(whole(one.file)) != OURS), default=-1)
    return tuple(frames[: last + 1])


def told(lanes: list[str], stacks: list[Stack]) -> str:
    """Return in words where lanes stand.

    Args:
        lanes: names by index.
        stacks: of those that do not stop.
    """
    words = []
    for stack in stacks:
        users = [one for one in stack.places if owner_of(whole(one.file)) == USERS] or list(stack.places)
        if users:
            first = users[0]
            rest = stack.places[:_WORDS_MAX]
            within = f" (innermost first: {one_line(rest)})" if len(rest) > 1 else ""
            source = f": {first.source}" if first.source else ""
            words.append(f"{lanes[stack.lane]} is at {first}{source}{within}")
    return "; ".join(words)


def _written(state: SupervisorState, worker: Worker, tid: int) -> str:
    """Return what a thread writes to standard error while it handles the signal."""
    poll = select.poll()
    poll.register(worker.listener, select.POLLIN)
    data, deadline = b"", time.monotonic() + _PATIENCE_S
    while len(data) < _TEXT_MAX and time.monotonic() < deadline:
        with contextlib.suppress(InterruptedError, FileNotFoundError):
            if poll.poll(_POLL_MS):
                data += _taken(worker, tid, receive(state, worker))
                continue
        if not _handles(worker.pid, tid):
            break
    return data.decode(errors="replace")


def _taken(worker: Worker, tid: int, pending: PendingSyscall) -> bytes:
    """Answer a write of the thread to standard error, and return what it was to write."""
    args = pending.args
    if pending.tid != tid or pending.call.name != "write" or args[0] != _STDERR:
        return b""
    data = b""
    with contextlib.suppress(OSError):
        data = worker.memory.read(args[1], min(args[2], _TEXT_MAX))
    respond(worker, pending.trap_id, args[2])
    return data


def _handles(pid: int, tid: int) -> bool:
    """Return whether the signal is pending in a thread, or its handler runs, which keeps it blocked."""
    bit = 1 << (STACK_SIGNAL - 1)
    with (
        contextlib.suppress(OSError, ValueError),
        open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as status,
    ):
        for line in status:
            if line.startswith(("SigPnd:", "SigBlk:")) and int(line.split()[1], 16) & bit:
                return True
    return False
