"""Define the reasons for which a lane stops by itself, as a worker tells them to its gate, and the signal by
which a gate asks where a lane is that does not stop."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "ANSWERED",
    "ASK",
    "IDLE",
    "OUTPUT",
    "PAUSE",
    "SCREEN",
    "SCREEN_BYTES",
    "SERVE",
    "SLEEP",
    "STACK_SIGNAL",
    "STOP_CALL",
    "TERMINAL",
    "THINK",
    "TURN",
    "is_stop",
    "stop_arguments",
]

#: Number of the system call by which a lane stops by itself: sched_yield, which ignores its arguments, and
#: which the profiles of containers allow. They refuse a number that no kernel has, and what another filter
#: refuses never reaches the supervisor.
STOP_CALL = 24
#: Tells a stop from a real sched_yield, whose arguments are what happens to stand in the registers.
_MARK = 0x5A7E_51A7_E0F0_1A4E

#: The lane has no (further) operation and waits for a program.
IDLE = 1
#: The lane waits for its model: scheduling points without a file operation.
THINK = 2
#: The lane sleeps for some virtual time, given in nanoseconds.
SLEEP = 3
#: The same, on behalf of its program.
PAUSE = 4
#: Does not wait: the process has a child that acts for several lanes, see `harness.lanes.child_services`.
SERVE = 5
#: Does not wait: the lane is about to send a request to that child.
ASK = 6
#: Does not wait: the lane has received the answer.
ANSWERED = 7
#: The lane waits until no request of its process runs in the shared adapter, `harness.lanes.adapter_host`.
TURN = 8
#: Does not wait: the lane wants a terminal for the program of an operation, and gets its descriptor.
TERMINAL = 9
#: Does not wait: the lane wants what that terminal shows at an address, and gets its length in bytes.
SCREEN, SCREEN_BYTES = 10, 4096
#: Does not wait: the lane wants a descriptor for the standard output of the program of an operation.
OUTPUT = 11

#: Signal at which a worker's thread writes its stack to standard error (`faulthandler`).
STACK_SIGNAL = 61


def stop_arguments(why: int, index: int, value: int) -> tuple[int, int, int, int, int]:
    """Return the arguments of the call by which a lane stops by itself.

    Args:
        why: a reason of this module.
        index: of the lane, or what the reason says.
        value: what the reason says, at least 0.
    """
    return why, index, value, _MARK, _MARK ^ why ^ index ^ value


def is_stop(arguments: Sequence[int]) -> bool:
    """Return whether a trapped sched_yield with these arguments is such a call."""
    return arguments[3] == _MARK and arguments[4] == _MARK ^ arguments[0] ^ arguments[1] ^ arguments[2]
