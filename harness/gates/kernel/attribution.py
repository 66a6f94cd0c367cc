"""The lane for which a stopped thread acts, and the thread that stands for a lane."""

from __future__ import annotations

from collections.abc import Iterable

from harness.gates.kernel import linux_abi
from harness.gates.kernel.adapter_time import kernel_waits
from harness.gates.kernel.lane import Lane, TraceeProcess, TraceeThread, Worker
from harness.gates.kernel.process import Status, respond
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_table import FLOCK

__all__ = ["RANK", "attribute", "attribute_one", "choose", "choose_again"]

#: A task that can go on comes before one that only may, later; all others come last.
RANK = {Status.FILE: 0, Status.THINK: 0, Status.TURN: 0, Status.SLEEP: 1, Status.FLOCK: 2}
_LAST = 3


def attribute(state: SupervisorState, worker: Worker) -> None:
    """Set the lane that each thread acts for which has just stopped."""
    for tracee in worker.tracees.values():
        for thread in tracee.tasks.values():
            if thread.status is not Status.MOVING and thread.lane is None:
                attribute_one(state, thread)


def attribute_one(state: SupervisorState, thread: TraceeThread) -> None:
    """Set the lane that a thread acts for which has just stopped."""
    tracee = thread.tracee
    lane = tracee.lane if tracee.service is None else tracee.service.lane()
    if lane is not None:
        thread.act_for(lane)
        if thread.pending.call is FLOCK and state.flocks.must_wait(thread.pending):
            thread.wait_for_flock()
            state.flocks.note_waiter()
    elif thread.status is Status.SLEEP:
        # A sleep for no lane lasts as long as it really lasts.
        kernel_waits(state, thread.pending, tracee)
        respond(tracee, thread.pending.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
        thread.resume()
        tracee.sleeps_really()
    else:
        state.note_inconclusive(_why_unknown(tracee))


def choose_again(lanes: Iterable[Lane]) -> None:
    """Choose the delegates anew, for flocks were released or could not be had."""
    for lane in lanes:
        if lane.worker is not None and lane.worker.has_children:
            lane.show_itself()
            choose(lane.worker, lane)


def choose(worker: Worker, lane: Lane) -> None:
    """Show a lane as stopped where the first task is stopped that can go on for it, or before a key."""
    best = (RANK.get(lane.status, _LAST), lane.wake_ns if lane.status is Status.SLEEP else 0, -1, -1)
    chosen: TraceeThread | None = None
    for tracee in worker.tracees.values():
        for thread in tracee.tasks.values():
            if thread.lane is lane and thread.status is not Status.MOVING:
                wake_ns = thread.wake_ns if thread.status is Status.SLEEP else 0
                key = (RANK.get(thread.status, _LAST), wake_ns, tracee.number, thread.number)
                if key < best:
                    best, chosen = key, thread
    typist = lane.typist
    if isinstance(typist, TraceeThread) and typist.tracee.pid in worker.tracees:
        key = (RANK[typist.status], typist.wake_ns, typist.tracee.number, typist.number)
        chosen = typist if key < best else chosen
    lane.show_delegate(chosen)


def _why_unknown(tracee: TraceeProcess) -> str:
    name = tracee.worker.name
    if tracee.service is not None:
        return (
            f"a child of process {name} that serves its lanes touched the session directory "
            f"{tracee.service.why()}"
        )
    return f"a child of process {name} touched the session directory, and no lane had started it"
