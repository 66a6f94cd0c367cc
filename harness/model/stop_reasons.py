"""Why a lane of ours stops by itself, as a worker says it to its gate."""

from __future__ import annotations

__all__ = ["ANSWERED", "ASK", "IDLE", "PARK", "PAUSE", "SERVE", "SLEEP", "THINK", "TURN"]

#: Number of a call that the kernel does not have, and that only the gate answers.
PARK = 6000

#: Has no (further) operation; waits for a program.
IDLE = 1
#: Waits for its model: scheduling points without a file operation.
THINK = 2
#: Sleeps for a while of virtual time, given in nanoseconds.
SLEEP = 3
#: The same, because its program says so.
PAUSE = 4
#: Does not wait: has a child that acts for several lanes, see `harness.lanes.child_services`.
SERVE = 5
#: Does not wait: is about to send that child a request.
ASK = 6
#: Does not wait: has the answer.
ANSWERED = 7
#: Waits until no request of its process runs in the shared adapter, see `harness.lanes.adapter_host`.
TURN = 8
