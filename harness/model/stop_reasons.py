"""Define the reasons for which a lane stops by itself, as a worker tells them to its gate, and the signal by
which a gate asks where a lane is that does not stop."""

from __future__ import annotations

__all__ = [
    "ANSWERED",
    "ASK",
    "IDLE",
    "OUTPUT",
    "PARK",
    "PAUSE",
    "SCREEN",
    "SCREEN_BYTES",
    "SERVE",
    "SLEEP",
    "STACK_SIGNAL",
    "TERMINAL",
    "THINK",
    "TURN",
]

#: Number of a system call that the kernel does not have; only the gate answers it.
PARK = 6000

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
