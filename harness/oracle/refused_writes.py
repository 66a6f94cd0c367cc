"""Judge calls that refused, or gave up, although their own bytes had been written.

`fence.protocol` promises that nothing was appended when a call reports a takeover, and that no decision
was reached when it gave up waiting for the lock. Bytes that stand all the same leave the caller with an
entry that it believes refused; bytes that an append wrote and took back again were seen by readers before
the fence had decided. A rewrite may be undone: exchanging two files and looking at what was replaced is the
only way not to destroy it unseen. A rogue that writes meanwhile leaves other bytes than the fence put back,
also when it writes to the file that is out of place for a moment, so such a rewrite is not judged here.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.oracle.effects import interleaved
from harness.oracle.index import HistoryIndex
from harness.oracle.lost_entries import lock_requested_at, rogue_near
from harness.oracle.operations import Mutation, Operation
from harness.oracle.verdict import Violation

__all__ = ["refused_writes"]

_WRITING = ("append", "guarded_write", "rewrite")
#: By outcome, how the verdict says it.
_HOW = {"refused": "refused", "lock_timeout": "reports a time-out from"}


def refused_writes(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each call of a participant that says it wrote nothing, and wrote."""
    return [
        _violation(index, operation)
        for lane, operations in enumerate(index.by_lane)
        if not index.is_rogue(lane)
        for operation in operations
        if operation.outcome in _HOW and operation.kind in _WRITING and _wrote(index, operation)
    ]


def _wrote(index: HistoryIndex, operation: Operation) -> bool:
    mutations = operation.mutations
    if not mutations or operation.cut or any(mutation.contested for mutation in mutations):
        return False
    if any(step.failed for step in index.steps_of(operation)):
        return False
    if operation.kind == "rewrite":
        return (
            not _rogue_during(index, operation)
            and not _put_back(mutations)
            and _differ(mutations[0], mutations[-1])
        )
    return any(_differ(mutation, mutation) for mutation in mutations)


def _put_back(mutations: Sequence[Mutation]) -> bool:
    """Return whether another file was in place for a time, and then the one of before again."""
    file = mutations[0].before.file
    return mutations[-1].after.file == file and any(one.after.file != file for one in mutations)


def _rogue_during(index: HistoryIndex, operation: Operation) -> bool:
    return rogue_near(index, lock_requested_at(index, operation), operation.done) or interleaved(
        index, operation.mutations
    )


def _differ(first: Mutation, last: Mutation) -> bool:
    """Return whether the bytes differ, and not only the file that holds them."""
    return first.before.content != last.after.content


def _violation(index: HistoryIndex, operation: Operation) -> Violation:
    name = index.header.lanes[operation.lane].name
    mutations = operation.mutations
    undone = not _differ(mutations[0], mutations[-1]) and not interleaved(index, mutations)
    what = "it had written and took it back" if undone else "its bytes stand in the transcript"
    detail = f"{name} {_HOW[operation.outcome]} its {operation.kind}, but {what}"
    causes = tuple(mutation.index for mutation in mutations)
    return Violation("refused_write", operation.returned, operation.lane, operation.op, detail, causes)
