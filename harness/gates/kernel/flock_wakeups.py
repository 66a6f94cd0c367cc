"""Waking the tasks that wait for an flock which is free again, and locks that go with their process."""

from __future__ import annotations

from typing import Final

from harness.gates.kernel.inode import Inode
from harness.gates.kernel.process import Status
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.model.history import LockEvent

__all__ = ["release_locks_of_ended", "wake_flock_waiters"]

_FLOCK: Final = Status.FLOCK


def wake_flock_waiters(state: SupervisorState, inode: Inode | None) -> None:
    """Let the tasks that wait for an flock on a file try again, for it was just unlocked or closed."""
    if not state.flocks.waited_for:
        return
    for lane in state.lanes:
        if lane.status is _FLOCK and lane.pending.inode is inode:
            lane.retry_flock()
            state.flocks.note_waiters()
    for worker in state.workers.values():
        for tracee in worker.tracees.values():
            for thread in tracee.tasks.values():
                if thread.status is _FLOCK and thread.pending.inode is inode:
                    thread.retry_flock()
                    state.flocks.note_waiters()


def release_locks_of_ended(state: SupervisorState) -> LockEvent | None:
    """Take in that a process is gone or has another program, and its descriptors went without a close.

    Returns:
        The change of the write lock by that.
    """
    state.files.descriptors_dropped()
    free, event = state.flocks.release_of_ended()
    for inode in free:
        wake_flock_waiters(state, inode)
    return event
