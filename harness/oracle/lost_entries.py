"""Find acknowledged entries that are missing at the end.

A fence is accused only if a participant's step destroyed the entry, or if the entry never reached the
file and no rogue was near. The module compares bytes; if those of one state were not kept, it reports
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import End, History, Invoke, State, Step
from harness.oracle.crash import kill_step
from harness.oracle.index import TOUCHES, HistoryIndex, disturbs
from harness.oracle.operations import Mutation, Operation
from harness.oracle.verdict import Violation
from harness.oracle.whole_lines import every_id, plain_ids

__all__ = [
    "absent_entries",
    "ids_by_state",
    "lock_requested_at",
    "lost_entries",
    "rogue_near",
    "torn_by_rogue",
]

_TAKING = ("acquire", "begin_turn")
_TOUCHES = TOUCHES | {"link", "linkat"}
_APPENDING = ("append", "guarded_write")
#: A program acknowledges the ids that it is said to write.
_ACKNOWLEDGING = (*_APPENDING, "action")


def absent_entries(history: History, acknowledged: Sequence[tuple[Invoke, int]]) -> list[tuple[Invoke, str]]:
    """Return the acknowledged entries that no plain line of the final transcript holds."""
    if not acknowledged:
        return []
    end = history.events[-1]
    assert isinstance(end, End)
    content = history.blobs.get(end.final.content) if end.final.file is not None else b""
    if content is None:
        return []
    there = plain_ids(content)
    return [
        (call, name)
        for call, _ in acknowledged
        for name, _ in call.entries
        if name not in there and call.kind in _ACKNOWLEDGING
    ]


def lost_entries(index: HistoryIndex, absent: Sequence[tuple[Invoke, str]]) -> list[Violation]:
    """Return a violation for each absent entry that is gone and was not destroyed by a rogue."""
    last = index.mutations[-1].after if index.mutations else index.header.initial
    end = index.history.events[-1]
    assert isinstance(end, End)
    known = ids_by_state(index)
    if known is None or last != end.final or not _is_ordered(index):
        return []
    found = []
    for call, name in absent:
        if name in known[-1]:
            continue
        seen = [at for at, ids in enumerate(known) if name in ids]
        operation = index.operation(call.lane, call.op)
        if seen:
            violation = _removal(index, index.mutations[seen[-1]], name)
        else:
            violation = _absence(index, operation, name)
        if violation is not None:
            found.append(violation)
    return found


def ids_by_state(index: HistoryIndex) -> list[set[str]] | None:
    """Return the ids in the initial state and after each mutation; None if the bytes of one are not known."""
    states = [index.header.initial] + [mutation.after for mutation in index.mutations]
    cache: dict[str, set[str]] = {"": set()}
    for state in states:
        if state.content not in cache:
            content = index.blobs.get(state.content)
            if content is None:
                return None
            cache[state.content] = every_id(content)
    return [cache[state.content] for state in states]


def _is_ordered(index: HistoryIndex) -> bool:
    """Return whether all mutations have an order in time."""
    return not any(mutation.contested for mutation in index.mutations)


def _removal(index: HistoryIndex, remover: Mutation, name: str) -> Violation | None:
    """Return a violation for an entry that `remover` took out of the transcript."""
    operation = remover.operation
    if index.is_rogue(operation.lane):
        return None
    if rogue_near(index, lock_requested_at(index, operation), operation.done, seen_by_readers=True):
        return None
    if _glued_by_rogue(index, remover, name):
        return None
    if (found := _unlocked_beside(index, operation)) is not None:
        return _by_unlocked(index, operation, found, f"entry {name} was acknowledged and then torn")
    lane_name = index.header.lanes[operation.lane].name
    how = ", whose lock had been reclaimed," if remover.reclaimed else ""
    detail = (
        f"entry {name} was acknowledged and then removed or torn by a step of {lane_name}{how} (not a rogue)"
    )
    return Violation("lost_entry", remover.index, operation.lane, operation.op, detail, (remover.index,))


def _absence(index: HistoryIndex, operation: Operation, name: str) -> Violation | None:
    """Return a violation for an acknowledged entry that no state holds in a whole line."""
    if rogue_near(index, lock_requested_at(index, operation), operation.done) or _rogue_replaced_file(
        index, operation
    ):
        return None
    causes = tuple(mutation.index for mutation in operation.mutations)
    if operation.mutations and torn_by_rogue(index, operation.mutations[0]):
        return None
    lane_name = index.header.lanes[operation.lane].name
    detail = f"entry {name} was acknowledged to {lane_name} but was never in the transcript as a whole line"
    if (found := _unlocked_beside(index, operation)) is not None:
        return _by_unlocked(index, operation, found, detail)
    if operation.mutations and _torn_tail(index, operation.mutations[0].before):
        detail += "; it was appended onto an unfinished line"
    return Violation("lost_entry", operation.returned, operation.lane, operation.op, detail, causes)


def _unlocked_beside(index: HistoryIndex, operation: Operation) -> Mutation | None:
    """Return the write without the lock by which another participant broke lines that were written under it.

    Either it fell between two writes of `operation`, or `operation` appended to the line that the other
    was in the midst of. A line in several writes is one entry while its lane has the lock: no lane that
    keeps the rules comes in between.
    """
    mutations = operation.mutations
    locked = all(mutation.held and not mutation.reclaimed for mutation in mutations)
    if index.free or index.lock_unseen or not mutations or not locked:
        return None
    first, last = mutations[0].position, mutations[-1].position
    for other in index.mutations[max(first - 1, 0) : last]:
        theirs = other.operation
        if theirs.lane == operation.lane or index.is_rogue(theirs.lane):
            continue
        if other.position > first:
            at_fault = _is_unlocked(other)
        else:
            at_fault = _is_in_midst(index, other, mutations[0]) and any(map(_is_unlocked, theirs.mutations))
        if at_fault:
            return other
    return None


def _is_in_midst(index: HistoryIndex, write: Mutation, append: Mutation) -> bool:
    """Return whether the lane of a write was to go on with its line when another one appended to it."""
    dead = 0 <= kill_step(index.history, write.operation.lane) < append.index
    return not dead and write.operation.done > append.begin and bool(_torn_tail(index, write.after))


def _is_unlocked(mutation: Mutation) -> bool:
    return not (mutation.held or mutation.reclaimed)


def _by_unlocked(index: HistoryIndex, operation: Operation, found: Mutation, what: str) -> Violation:
    """Return the violation of a lane that wrote without the lock, beside an operation under it."""
    name = index.header.lanes[found.operation.lane].name
    if found.position > operation.mutations[0].position:
        why = f"{name} wrote into it without the write lock"
    else:
        why = f"{name} was in the midst of the line before it, and kept no write lock for all of that"
    causes = (found.index, operation.mutations[0].index)
    return Violation(
        "lost_entry", found.index, found.operation.lane, found.operation.op, f"{what}; {why}", causes
    )


def lock_requested_at(index: HistoryIndex, operation: Operation) -> int:
    """Return the time at which the lane began to take the lock under which the operation ran.

    Its knowledge of the transcript may be that old.
    """
    began = operation.called if operation.called >= 0 else operation.begin
    for other in index.by_lane[operation.lane]:
        if other.op <= operation.op and other.kind in _TAKING:
            began = other.called
    return began


def rogue_near(
    index: HistoryIndex, begin: int, end: int, *, seen_by_readers: bool = False, touches: bool = True
) -> bool:
    """Return whether a rogue disturbed the transcript or its lock in that time.

    The lock counts from the start of the schedule: after a rogue has broken it, the fence is not
    accused of damage that participants do to each other. With `seen_by_readers`, steps that no reader
    sees do not count, because they make no lane drop an entry. Without `touches`, only those of them do not
    count that leave every byte in its place, under the names that it had.
    """
    for at, event in enumerate(index.history.events):
        if isinstance(event, Step) and index.is_rogue(event.lane):
            first, last = index.time_of(at)
            if event.lock is not None or "lock" in event.path:
                if first <= end:
                    return True
            elif first <= end and last >= begin and _counts(event, seen_by_readers, touches):
                return True
    return False


def _counts(step: Step, seen_by_readers: bool, touches: bool) -> bool:
    if step.change is not None or seen_by_readers:
        return step.change is not None
    return disturbs(step) and (touches or step.call not in _TOUCHES)


def _rogue_replaced_file(index: HistoryIndex, operation: Operation) -> bool:
    """Return whether a rogue had put another file at the path by the end of the operation.

    A participant that keeps its descriptor then writes to a file that no reader finds.
    """
    return any(
        index.is_rogue(mutation.operation.lane)
        and mutation.before.file != mutation.after.file
        and mutation.begin <= operation.done
        for mutation in index.mutations
    )


def _glued_by_rogue(index: HistoryIndex, remover: Mutation, name: str) -> bool:
    """Return whether an append was glued to an entry from whose line a rogue had taken the end."""
    return (
        remover.operation.kind in _APPENDING
        and name in every_id(_torn_tail(index, remover.before))
        and torn_by_rogue(index, remover)
    )


def torn_by_rogue(index: HistoryIndex, append: Mutation) -> bool:
    """Return whether an append met an unfinished last line that a rogue wrote.

    Participants may have rewritten the transcript since and kept that line.
    """
    tail = _torn_tail(index, append.before)
    for mutation in index.mutations[: append.position]:
        if index.is_rogue(mutation.operation.lane):
            torn = _torn_tail(index, mutation.after)
            if torn and torn in tail:
                return True
    return False


def _torn_tail(index: HistoryIndex, state: State) -> bytes:
    """Return the bytes after the last newline."""
    return index.blobs.get(state.content, b"").rpartition(b"\n")[2]
