"""Judge whether a load that returned well gave the caller what the transcript held.

All that a runner decides later rests on its load. A load is left out if the transcript changed
while it ran, or if one of its own calls was made to fail or cut short: then its bytes may be a mix.
Kernel gate only: under the free gate a load tells which of the writes before it came last.
"""

from __future__ import annotations

from harness.model.history import State, digest
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Operation
from harness.oracle.verdict import Violation

__all__ = ["EMPTY", "NOT_READ", "wrong_loads"]

#: Digest that a load of an empty or missing file returns.
EMPTY = digest(b"")
#: Subkind of an altered entry.
NOT_READ = "not_read"


def wrong_loads(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each load that returned other bytes than a reader would have found."""
    if index.free:
        return []
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if operation.kind == "load" and operation.outcome == "ok" and operation.detail:
                state = _state_during(index, operation)
                if state is not None and operation.detail != (state.content or EMPTY):
                    found.append(_violation(index, operation))
    return found


def _state_during(index: HistoryIndex, operation: Operation) -> State | None:
    """Return the transcript's state while a load ran; None if it changed, or the load was disturbed."""
    if operation.cut or any(step.failed for step in index.steps_of(operation)):
        return None
    state = index.header.initial
    for mutation in index.mutations:
        # Between its call and its first step a load has read nothing, so a change there came before it.
        if mutation.begin > operation.end:
            break
        if mutation.end >= operation.begin:
            return None
        state = mutation.after
    return state


def _violation(index: HistoryIndex, operation: Operation) -> Violation:
    name = index.header.lanes[operation.lane].name
    detail = f"{NOT_READ}: the load of {name} returned other bytes than the transcript held"
    return Violation("altered_entry", operation.returned, operation.lane, operation.op, detail)
