"""Find two lanes that were in the locked section at once, as the fence itself reported.

The free gate does not see which lane has the lock. Lanes of different processes only say when they
were granted the lock and when they next did something. That alone proves nothing: a lock may be
reclaimed from a holder that slept, if the holder notices before it writes. A double hold is proved if:

- one lane had been granted the lock, and had not begun to release it, when another lane was granted it;
- the first lane then changed the transcript, and its write was acknowledged;
- no rogue did anything between the call by which the first lane got the lock and the moment at which
  the other was granted it: a rogue may have removed the lock;
- for locks that consist of an open file (`flock`, record locks), the other lane also changed the
  transcript before the first began to release: otherwise its file may have been one without its name,
  which excludes no other lane.

Two cases are left out: lanes of one process, which may share a lock on purpose, and guarded writes,
which do not say when they took the lock. Histories of the kernel gate are judged by
`harness.oracle.double_hold`.
"""

from __future__ import annotations

from fence.locks import KINDS
from harness.model.history import ACQUIRING, IDLE, KEEPING, NO_LOCK, RELEASING, History, Invoke, Return, Step
from harness.oracle.operations import FOREVER
from harness.oracle.verdict import Violation

__all__ = ["reported_double_holds"]

_WRITING = frozenset({"append", "rewrite"})


class _Call:
    """One operation.

    Attributes:
        begin, end: monotonic nanoseconds; `end` is `FOREVER` if it did not return.
        change: its last step that changed the transcript; -1 for none.
        returned: index of its Return; -1 for none.
    """

    __slots__ = ("begin", "change", "end", "invoke", "outcome", "returned")

    def __init__(self, invoke: Invoke) -> None:
        self.invoke = invoke
        self.begin = invoke.at_ns
        self.end = FOREVER
        self.outcome = ""
        self.change = -1
        self.returned = -1

    @property
    def wrote(self) -> bool:
        """Return whether it surely changed the transcript inside the section of its lane."""
        return self.invoke.kind in _WRITING and self.outcome == "ok" and self.change >= 0


class _ReportedSection:
    """The time between one reported acquisition of a lane and its release.

    Attributes:
        taking: the call by which the lane got the lock.
        until: the last time at which the lane was surely inside: the begin of the call that released
            the lock, or the end of its last call.
        writes: calls that changed the transcript.
    """

    __slots__ = ("taking", "until", "writes")

    def __init__(self, taking: _Call) -> None:
        self.taking = taking
        self.until = taking.end
        self.writes: list[_Call] = []


def reported_double_holds(history: History) -> list[Violation]:
    """Return one violation for each section that began inside another lane's; free gate only."""
    lanes = history.header.lanes
    name = history.header.lock_kind
    kind = KINDS.get(name) if name else None
    if name == NO_LOCK:
        return []
    # Of a kind that is not known here the weaker proof is not enough.
    exclusive = kind is not None and kind.unique
    calls = _calls(history)
    sections = [
        section for lane in sorted(calls) if lanes[lane].participant for section in _sections_of(calls[lane])
    ]
    rogues = [call for lane in calls if not lanes[lane].participant for call in calls[lane]]
    found = []
    for late in sections:
        for early in sections:
            first, second = early.taking.invoke.lane, late.taking.invoke.lane
            if lanes[first].process == lanes[second].process:
                continue
            proving = _proving_writes(early, late, rogues, exclusive=exclusive)
            if proving is not None:
                detail = (
                    f"{lanes[second].name} was granted the write lock while {lanes[first].name} had been "
                    f"granted it too, and {lanes[first].name} then changed the transcript"
                )
                causes = tuple(sorted({early.taking.returned, late.taking.returned, *proving}))
                taking = late.taking
                found.append(
                    Violation("double_hold", taking.returned, second, taking.invoke.op, detail, causes)
                )
    return found


def _calls(history: History) -> dict[int, list[_Call]]:
    """Return all operations by lane, in order."""
    calls: dict[int, list[_Call]] = {}
    for index, event in enumerate(history.events):
        if isinstance(event, Invoke):
            calls.setdefault(event.lane, []).append(_Call(event))
        elif isinstance(event, Step):
            if event.change is not None and event.change.before != event.change.after:
                calls[event.lane][-1].change = index
        elif isinstance(event, Return):
            call = calls[event.lane][-1]
            call.end, call.outcome, call.returned = event.at_ns, event.outcome, index
    return calls


def _sections_of(calls: list[_Call]) -> list[_ReportedSection]:
    """Return the sections of one lane; its own writer and its fence (the *routes*) are kept apart."""
    found: list[_ReportedSection] = []
    inside: dict[str, _ReportedSection] = {}
    for call in calls:
        kind, route = call.invoke.kind, call.invoke.route
        section = inside.get(route)
        if section is None:
            if kind in ACQUIRING and call.outcome == "ok":
                inside[route] = _ReportedSection(call)
                found.append(inside[route])
        elif kind not in IDLE:
            section.until = call.begin
            if call.wrote:
                section.writes.append(call)
            if kind in RELEASING or call.outcome not in KEEPING:
                del inside[route]
            else:
                section.until = call.end
    return found


def _proving_writes(
    early: _ReportedSection, late: _ReportedSection, rogues: list[_Call], *, exclusive: bool
) -> list[int] | None:
    """Return the writes that prove that two sections overlapped; None if nothing proves it."""
    granted = late.taking.end
    if not early.taking.end < granted <= early.until:
        return None
    if any(rogue.begin <= granted and rogue.end >= early.taking.begin for rogue in rogues):
        return None
    early_writes = [call.change for call in early.writes if call.begin > granted]
    late_writes = [call.change for call in late.writes if call.end < early.until]
    if not early_writes or not (exclusive or late_writes):
        return None
    return early_writes[:1] if exclusive else [early_writes[0], late_writes[0]]
