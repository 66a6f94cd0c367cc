"""Is every entry that was acknowledged still there at the end?

A fence is accused only when the step that destroyed the entry is a participant's, or
when the entry never reached the file and no rogue was near. Everything here reads
bytes: where those of one state were not kept, nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import End, History, Invoke, State, Step
from harness.oracle.index import HistoryIndex, Mutation, Operation, disturbs
from harness.oracle.verdict import Violation
from harness.oracle.whole_lines import every_id, plain_ids

__all__ = ["lost_entries", "missing"]

_TAKING = ("acquire", "begin_turn")


def missing(history: History, acknowledged: Sequence[tuple[Invoke, int]]) -> list[tuple[Invoke, str]]:
    """Acknowledged entries that a quick look at the final transcript does not find."""
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
        if name not in there and call.kind in ("append", "guarded_write")
    ]


def lost_entries(survey: HistoryIndex, absent: Sequence[tuple[Invoke, str]]) -> list[Violation]:
    """Those of the entries that are gone and that no rogue destroyed."""
    states = [survey.header.initial] + [mutation.after for mutation in survey.mutations]
    end = survey.history.events[-1]
    assert isinstance(end, End)
    known = _contents(survey, states)
    if known is None or states[-1] != end.final or not _chained(survey):
        return []
    found = []
    for call, name in absent:
        if name in known[-1]:
            continue
        seen = [at for at, ids in enumerate(known) if name in ids]
        operation = survey.operation(call.lane, call.op)
        if seen:
            violation = _removed(survey, survey.mutations[seen[-1]], name)
        else:
            violation = _never_there(survey, operation, name)
        if violation is not None:
            found.append(violation)
    return found


def _contents(survey: HistoryIndex, states: Sequence[State]) -> list[set[str]] | None:
    """Ids in each state; None when the bytes of one are not known."""
    cache: dict[str, set[str]] = {"": set()}
    for state in states:
        if state.content not in cache:
            content = survey.blobs.get(state.content)
            if content is None:
                return None
            cache[state.content] = every_id(content)
    return [cache[state.content] for state in states]


def _chained(survey: HistoryIndex) -> bool:
    """Whether the mutations have an order at all."""
    return not any(mutation.contested for mutation in survey.mutations)


def _removed(survey: HistoryIndex, remover: Mutation, name: str) -> Violation | None:
    """The entry was there until `remover` took it away."""
    operation = remover.operation
    if survey.is_rogue(operation.lane):
        return None
    if _rogue_near(survey, _taken(survey, operation), operation.done, seen_by_readers=True):
        return None
    who = survey.header.lanes[operation.lane].name
    how = ", whose lock had been reclaimed," if remover.reclaimed else ""
    detail = f"entry {name} was acknowledged and then removed or torn by a step of {who}{how} (not a rogue)"
    return Violation("lost_entry", remover.index, operation.lane, operation.op, detail, (remover.index,))


def _never_there(survey: HistoryIndex, operation: Operation, name: str) -> Violation | None:
    """The entry was acknowledged, but no state holds it in a whole line."""
    if _rogue_near(survey, _taken(survey, operation), operation.done) or _moved_away(survey, operation):
        return None
    causes = tuple(mutation.index for mutation in operation.mutations)
    if operation.mutations and _torn_by_rogue(survey, operation.mutations[0]):
        return None
    who = survey.header.lanes[operation.lane].name
    detail = f"entry {name} was acknowledged to {who} but never stood in the transcript as a whole line"
    if operation.mutations and _torn_tail(survey, operation.mutations[0].before):
        detail += "; it was appended onto an unfinished one"
    return Violation("lost_entry", operation.returned, operation.lane, operation.op, detail, causes)


def _taken(survey: HistoryIndex, operation: Operation) -> int:
    """Time at which the lane set out to take the lock under which the operation ran.

    What it knows of the transcript may be that old.
    """
    began = operation.called if operation.called >= 0 else operation.begin
    for other in survey.by_lane[operation.lane]:
        if other.op <= operation.op and other.kind in _TAKING:
            began = other.called
    return began


def _rogue_near(survey: HistoryIndex, begin: int, end: int, *, seen_by_readers: bool = False) -> bool:
    """Whether a rogue disturbed the transcript or its lock in that time.

    A touch that no reader sees makes nobody drop an entry, and can be left out. The lock
    counts from the start of the schedule: once a rogue has broken it, nothing
    that participants do to each other is the lock's fault.
    """
    for index, event in enumerate(survey.history.events):
        if isinstance(event, Step) and survey.is_rogue(event.lane):
            first, last = survey.time_of(index)
            if event.lock is not None or "lock" in event.path:
                if first <= end:
                    return True
            elif (
                (event.change is not None if seen_by_readers else disturbs(event))
                and first <= end
                and last >= begin
            ):
                return True
    return False


def _moved_away(survey: HistoryIndex, operation: Operation) -> bool:
    """Whether a rogue had put another file behind the path by the end of the operation.

    A participant that keeps its descriptor then writes to a file that no reader finds.
    """
    return any(
        survey.is_rogue(mutation.operation.lane)
        and mutation.before.file != mutation.after.file
        and mutation.begin <= operation.done
        for mutation in survey.mutations
    )


def _torn_by_rogue(survey: HistoryIndex, append: Mutation) -> bool:
    """Whether an append met a last line without newline that comes from a rogue.

    Participants that rewrite the transcript may have carried it along since.
    """
    tail = _torn_tail(survey, append.before)
    for mutation in survey.mutations[: append.position]:
        if survey.is_rogue(mutation.operation.lane):
            torn = _torn_tail(survey, mutation.after)
            if torn and torn in tail:
                return True
    return False


def _torn_tail(survey: HistoryIndex, state: State) -> bytes:
    """What stands after the last newline."""
    return survey.blobs.get(state.content, b"").rpartition(b"\n")[2]
