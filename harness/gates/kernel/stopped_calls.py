"""Calls before which tasks stand, when a directory was moved meanwhile or a link leads elsewhere."""

from __future__ import annotations

from harness.gates.kernel.candidates import alias_of
from harness.gates.kernel.file_calls import resolve_again
from harness.gates.kernel.process import Status
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["resolve_stopped_again"]


def resolve_stopped_again(state: SupervisorState) -> None:
    """Find anew what each call is about before which a task stands, for a path may lead elsewhere by now."""
    state.files.take_tree_change()
    stopped = {
        id(pending): pending
        for lane in state.lanes
        for pending in lane.stops()
        if lane.status is not Status.DEAD
    }
    for worker in state.workers.values():
        for tracee in worker.tracees.values():
            for thread in tracee.tasks.values():
                if thread.status is Status.FILE:
                    stopped[id(thread.pending)] = thread.pending
    for pending in stopped.values():
        if pending.name is not None or pending.name2 is not None:
            resolve_again(state, pending)
    for lane in state.lanes:
        shown = lane.candidate
        if shown is None or lane.status is not Status.FILE:
            continue
        if shown.path != alias_of(state.files, lane.pending):
            lane.forget_candidate()
