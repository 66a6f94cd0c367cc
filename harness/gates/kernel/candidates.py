"""Candidates for the strategy, and what the history says of lanes that wait."""

from __future__ import annotations

from typing import Final

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import PendingSyscall, Status
from harness.gates.kernel.steps import pause_name
from harness.gates.kernel.syscall_table import opens_for_writing
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.gate import Candidate

__all__ = ["alias_of", "candidate_of", "why_waiting"]

_FILE: Final = Status.FILE
_THINK: Final = Status.THINK
#: Kinds of call that may change something that another lane can see.
_WRITES: Final = frozenset({"data", "meta", "names", "lock", "map"})


def candidate_of(files: VirtualFiles, lane: Lane) -> Candidate:
    """Make the lane as the strategy sees it, until it has stepped."""
    if lane.status is not _FILE:
        name = "think" if lane.status is _THINK else pause_name(lane)
        return lane.show(Candidate(lane.index, lane.op, lane.ordinal, name, "", False))
    pending = lane.pending
    call, inode = pending.call, pending.inode
    writes = opens_for_writing(pending.flags) if call.kind == "open" else call.kind in _WRITES
    if inode is not None and pending.name is None and pending.name2 is None:
        # The usual case: by a descriptor.
        alias = inode.alias
    else:
        alias = alias_of(files, pending)
    return lane.show(Candidate(lane.index, lane.op, lane.ordinal, call.name, alias, writes))


def why_waiting(files: VirtualFiles, lane: Lane) -> str:
    """Say what a lane waits for that has not come to its end."""
    if lane.status is Status.ASLEEP:
        # A text that histories keep.
        return "it sleeps in the kernel, and no lane is left to wake it"
    if lane.status is Status.FLOCK:
        return f"it waits for the flock on {alias_of(files, lane.pending)}"
    return f"it {lane.status}"


def alias_of(files: VirtualFiles, pending: PendingSyscall) -> str:
    """Return the stable name of what a call is about."""
    if pending.name is not None:
        alias = files.alias(pending.name)
    else:
        alias = pending.inode.alias if pending.inode is not None else ""
    if pending.name2 is not None:
        alias = f"{alias} > {files.alias(pending.name2)}"
    return alias
