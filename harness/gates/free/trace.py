"""The notes of free lanes as events, and whether they say what happened at all.

No lane was stopped, so a change is what one operation found before and after itself. That
is exact where no other operation that may write overlaps it in time. Where one does, the
oracle takes neither for sure; for that every rogue, and each lane that met one, must be seen to
have changed something, so here they pass through an unknown state. Three
things make a schedule inconclusive: the looks do not follow from each other, two lanes
held the lock at once by the fence's own word, or a write cannot be told to be under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from harness.model.history import (
    ACQUIRING,
    IDLE,
    KEEPING,
    RELEASING,
    Change,
    Event,
    Invoke,
    LaneInfo,
    Return,
    State,
    Step,
)
from harness.model.program import Op

__all__ = ["MEASURED", "Call", "doubts", "events_of", "left_by"]

#: Operations that may write; lanes look at the transcript before and after each.
MEASURED = frozenset({"append", "guarded_write", "rewrite", "action"})

_UNKNOWN = State("?", "?", -1)


class Call(msgspec.Struct, eq=False):
    """One operation as its lane wrote it down.

    Args:
        lane, op: which.
        what: from the program.
        begin_ns, end_ns: monotonic; the looks lie in between.
        outcome, detail: as in `Return`; no outcome where it did not end.
        before, after: the transcript, for an operation that may write.
        held: whether its lane had the lock, by the fence's own word.
        rivals: operations of other lanes that may write and overlap it.
    """

    lane: int
    op: int
    what: Op
    begin_ns: int
    end_ns: int
    outcome: str = ""
    detail: str = ""
    before: State | None = None
    after: State | None = None
    held: bool = False
    rivals: list[Call] = []

    @property
    def measured(self) -> bool:
        """Return whether its looks are known."""
        return self.before is not None and self.after is not None and self.outcome != "skipped"

    @property
    def changed(self) -> bool:
        """Return whether its two looks differ."""
        return self.before != self.after


class _Section:
    """A stay in the locked section, by the fence's word: from a return until the next call.

    Attributes:
        since, until: times between which the lane surely had the lock, if it had it at all.
        wrote: whether a write of the lane falls into it.
        lost: the lane was told that its lock was gone.
    """

    def __init__(self, lane: int, since: int) -> None:
        self.lane = lane
        self.since = since
        self.until = since
        self.wrote = False
        self.lost = False


def doubts(calls: Sequence[Call], lanes: Sequence[LaneInfo], initial: State, final: State) -> str:
    """Return why it cannot be known what happened; empty when it can.

    Args:
        calls: of all lanes, each lane's in order; `held` and `rivals` are filled in.
        lanes: by index.
        initial, final: the transcript before and after all calls.
    """
    writes = sorted((call for call in calls if call.measured), key=lambda call: call.begin_ns)
    _meet(writes)
    return (
        _doubt_about_order(writes, initial, final)
        or _doubt_about_lock(_sections(calls, lanes), calls, lanes)
        or _doubt_about_writes(writes, lanes)
    )


def _meet(writes: Sequence[Call]) -> None:
    for call in writes:
        call.rivals = []
    for position, early in enumerate(writes):
        for late in writes[position + 1 :]:
            if late.begin_ns > early.end_ns:
                break
            if late.lane != early.lane:
                early.rivals.append(late)
                late.rivals.append(early)


def _doubt_about_order(writes: Sequence[Call], initial: State, final: State) -> str:
    """Return whether each look follows from the one before it, or from some write that overlapped.

    Of writes that overlap, one made the first change and found what was there before, and
    one made the last and found what was there afterwards.
    """
    known = [initial]
    for cluster in _clusters(writes):
        if not any(call.before in known for call in cluster):
            return "the transcript changed while no operation that may write was under way"
        known = [call.after for call in cluster if call.after is not None]
    return "" if final in known else "the transcript changed after the last operation that may write"


def _clusters(writes: Sequence[Call]) -> Iterable[list[Call]]:
    """Writes in order, those together that overlap directly or by way of others."""
    cluster: list[Call] = []
    end_ns = -1
    for call in writes:
        if cluster and call.begin_ns > end_ns:
            yield cluster
            cluster = []
        cluster.append(call)
        end_ns = max(end_ns, call.end_ns)
    if cluster:
        yield cluster


def _sections(calls: Sequence[Call], lanes: Sequence[LaneInfo]) -> list[_Section]:
    """All stays in the locked section; notes on each write whether it fell into one."""
    found: list[_Section] = []
    inside: dict[tuple[int, str], _Section] = {}
    for call in calls:
        place = (call.lane, call.what.route)
        section = inside.get(place)
        if section is not None and call.what.kind not in IDLE:
            section.until = call.begin_ns
            section.wrote |= call.measured
            section.lost |= call.outcome == "stale_lock"
            call.held = call.measured
            if call.what.kind in RELEASING or call.outcome not in KEEPING:
                del inside[place]
            else:
                section.until = call.end_ns
        elif call.what.kind in ACQUIRING and call.outcome == "ok" and lanes[call.lane].participant:
            inside[place] = _Section(call.lane, call.end_ns)
            found.append(inside[place])
        if call.what.kind == "guarded_write":
            # It takes the lock by itself; where it failed, the change that it saw may be a neighbour's.
            call.held = call.outcome == "ok" or bool(call.rivals)
    return found


def _doubt_about_lock(sections: Sequence[_Section], calls: Sequence[Call], lanes: Sequence[LaneInfo]) -> str:
    for section in sections:
        name = lanes[section.lane].name
        if section.lost and section.wrote:
            return f"{name} wrote under a lock that was lost, before or after; the kernel gate can tell"
        others = [other.lane for other in sections if section.since <= other.since <= section.until]
        others += [
            call.lane
            for call in calls
            if call.what.kind == "guarded_write"
            and call.outcome == "ok"
            and section.since <= call.begin_ns
            and call.end_ns <= section.until
        ]
        for other in others:
            if other != section.lane:
                return (
                    f"{lanes[other].name} got the write lock while {name} held it: reclaimed or held twice, "
                    "the kernel gate can tell"
                )
    return ""


def _doubt_about_writes(writes: Sequence[Call], lanes: Sequence[LaneInfo]) -> str:
    for call in writes:
        if call.changed and not call.held and not call.rivals and lanes[call.lane].participant:
            return (
                f"{lanes[call.lane].name} changed the transcript in a {call.what.kind} that ended with "
                f"{call.outcome}; whether under the lock, the kernel gate can tell"
            )
    return ""


def left_by(calls: Sequence[Call], lanes: Sequence[LaneInfo]) -> int:
    """Return the lane that left the write lock behind; -1 where no lane ever took it.

    It is the lane that says that it took the lock and not that it released it; else the one whose operation
    crashed; else the one that took it last, with any words, since no lane could take it afterwards.
    """
    inside: dict[int, int] = {}
    crashed: dict[int, int] = {}
    taken: dict[int, int] = {}
    for call in calls:
        if not lanes[call.lane].participant:
            continue
        takes = call.what.kind in ACQUIRING and call.outcome == "ok"
        if takes:
            inside[call.lane] = call.end_ns
        elif call.what.kind in RELEASING and call.outcome == "ok":
            inside.pop(call.lane, None)
        if call.outcome == "crash":
            crashed[call.lane] = call.end_ns
        if takes or call.what.kind == "guarded_write":
            taken[call.lane] = call.end_ns
    for suspects in (inside, crashed, taken):
        if suspects:
            return max(suspects, key=lambda lane: suspects[lane])
    return -1


def events_of(calls: Sequence[Call], lanes: Sequence[LaneInfo]) -> list[Event]:
    """Invoke, steps and Return of each call, by time; a step stands where it ended."""
    timed: list[tuple[int, int, int, Event]] = []
    for call in calls:
        what = call.what
        ids = tuple((entry.id, entry.type) for entry in what.entries)
        parts: list[tuple[int, Event]] = [
            (
                call.begin_ns,
                Invoke(call.lane, call.op, what.kind, what.turn, ids, what.how, what.route, call.begin_ns),
            )
        ]
        parts += [(call.end_ns, step) for step in _steps(call, lanes)]
        if call.outcome:
            parts.append((call.end_ns, Return(call.lane, call.op, call.outcome, call.detail, call.end_ns)))
        # Numbered through, because two events of a lane may bear the same time.
        first = len(timed)
        timed += [(at_ns, call.lane, first + number, event) for number, (at_ns, event) in enumerate(parts)]
    timed.sort(key=lambda item: item[:3])
    return [event for *_, event in timed]


def _steps(call: Call, lanes: Sequence[LaneInfo]) -> list[Step]:
    if call.outcome == "skipped":
        return []
    path = "" if call.what.kind in IDLE else "T"
    step = Step(call.lane, call.op, call.what.kind, path, begin_ns=call.begin_ns, end_ns=call.end_ns)
    if not call.measured:
        return [step]
    assert call.before is not None and call.after is not None
    if call.changed:
        return [msgspec.structs.replace(step, change=Change(call.before, call.after, call.held))]
    if not _is_veiled(call, lanes):
        return [step]
    note = "the content in between is not known"
    return [
        msgspec.structs.replace(step, note=note, change=Change(call.before, _UNKNOWN, call.held)),
        msgspec.structs.replace(step, note=note, change=Change(_UNKNOWN, call.after, call.held)),
    ]


def _is_veiled(call: Call, lanes: Sequence[LaneInfo]) -> bool:
    """Return whether a call that left the transcript as it was may have shown something else in between.

    A rogue may always have, such as a file that is cut and filled up again. So may a
    participant that met a rogue: one of them may have undone what the other did. A
    refusal wrote nothing, and is in doubt only where it may have seen such a rogue.
    """
    if not lanes[call.lane].participant:
        return True
    rogues = [rival for rival in call.rivals if not lanes[rival.lane].participant]
    if call.outcome == "refused":
        return any(not rogue.changed for rogue in rogues)
    return bool(rogues)
