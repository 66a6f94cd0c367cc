"""Give up a worker that does not stop, and say where its lanes are."""

from __future__ import annotations

from harness.gates.kernel.interference import compute_limit_s, starved
from harness.gates.kernel.lane import Worker
from harness.gates.kernel.stack_dumps import stack_of
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["worker_timed_out"]


def worker_timed_out(state: SupervisorState, worker: Worker, computed: bool = False) -> None:
    """Give up a worker that took too long: nothing is known of its lanes.

    Args:
        state: of the supervisor.
        worker: that has not stopped.
        computed: it had its processor time, and made no call.
    """
    limit_s = compute_limit_s(state.wall_limit_s) if computed else state.wall_limit_s
    what = "of processor time" if computed else ""
    reason = f"process {worker.name} did not stop for {limit_s:.0f} s {what}".rstrip(" ")
    if not computed and starved([process.pid for process in worker.processes()]):
        state.note_disturbed(f"{reason}: it got next to no processor time")
    stacks = [stack for lane in worker.lanes if (stack := stack_of(state, worker, lane)) is not None]
    state.note_stuck(stacks)
    state.note_inconclusive(reason)
    worker.lose_lanes()
