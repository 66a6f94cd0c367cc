"""Calls by which a program asks for its processor time and its processors.

The processor time is virtual, as the clocks that count it show it, and is all its own: none of the
kernel's, and none of its children's. Its one processor has the number 0.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from typing import Final

from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.proc_usage import RESIDENT_KIB
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.program_clock import ProgramClock
from harness.gates.kernel.reactions import CONTINUE, Answer, Continue
from harness.gates.kernel.start_times import TICK_NS
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["HANDLERS"]

_TMS: Final = struct.Struct("=4q")
#: Seconds and microseconds in user mode, the same of the kernel's, the most memory in KiB, and 13 counts.
_RUSAGE: Final = struct.Struct("=4qq13q")
_SECOND, _MICROSECOND = 1_000_000_000, 1000
_CHILDREN, _WHO = -1, (-1, 0, 1)
_MASK: Final = struct.Struct("=Q")
#: CLOCK_MONOTONIC
_STEADY: Final = 1

_INVALID: Final = Answer(error=-errno.EINVAL)
_BAD_ADDRESS: Final = Answer(error=-errno.EFAULT)

_Handler = Callable[[SupervisorState, PendingSyscall, ProgramClock], Continue | Answer]


def _of_a_program(handler: _Handler) -> Callable[[SupervisorState, PendingSyscall], Continue | Answer]:
    """Return a handler that leaves a call to the kernel where its process is no program."""

    def handle(state: SupervisorState, pending: PendingSyscall) -> Continue | Answer:
        process = pending.process
        if not isinstance(process, TraceeProcess) or process.program.clock is None:
            return CONTINUE
        try:
            return handler(state, pending, process.program.clock)
        except OSError:
            return _BAD_ADDRESS

    return handle


def _times(state: SupervisorState, pending: PendingSyscall, clock: ProgramClock) -> Answer:
    now_ns = clock.read(_STEADY)
    if pending.args[0]:
        used = (now_ns - state.started_ns) // TICK_NS
        pending.process.memory.write(pending.args[0], _TMS.pack(used, 0, 0, 0))
    return Answer(now_ns // TICK_NS)


def _getrusage(state: SupervisorState, pending: PendingSyscall, clock: ProgramClock) -> Answer:
    who = signed(pending.args[0])
    if who not in _WHO:
        return _INVALID
    used_ns = 0 if who == _CHILDREN else clock.read(_STEADY) - state.started_ns
    seconds, rest = divmod(used_ns, _SECOND)
    text = _RUSAGE.pack(seconds, rest // _MICROSECOND, 0, 0, RESIDENT_KIB, *(0,) * 13)
    pending.process.memory.write(pending.args[1], text)
    return Answer()


def _sched_getaffinity(
    state: SupervisorState, pending: PendingSyscall, clock: ProgramClock
) -> Continue | Answer:
    if pending.args[1] < _MASK.size or pending.args[1] % _MASK.size:
        return _INVALID
    pending.process.memory.write(pending.args[2], _MASK.pack(1))
    return Answer(_MASK.size)


#: By name of the call.
HANDLERS: Final = {
    "times": _of_a_program(_times),
    "getrusage": _of_a_program(_getrusage),
    "sched_getaffinity": _of_a_program(_sched_getaffinity),
}
