"""Why a lane of ours stops by itself, as a worker says it to its gate."""

from __future__ import annotations

__all__ = ["IDLE", "PAUSE", "SLEEP", "THINK"]

#: Has no (further) operation; waits for a program.
IDLE = 1
#: Waits for its model: scheduling points without a file operation.
THINK = 2
#: Sleeps for a while of virtual time, given in nanoseconds.
SLEEP = 3
#: The same, because its program says so.
PAUSE = 4
