"""Were two lanes in the locked section at once, by the fence's own word?

Under the free gate nobody sees who has the lock; lanes of different processes only say when
they were told that they have it, and when they next did anything. That alone proves nothing:
a lock may be taken from a holder that slept, as long as the holder notices before it
writes. What proves a double hold:

- one lane had been told, and had not begun to let go, when another was told;
- it then changed the transcript, and its write was acknowledged;
- where holding the lock is no more than having a file open (`flock`, record locks), the other's
  file may have been one without its name, which keeps nobody out; then the other must have
  changed the transcript, too, before the first began to let go;
- no rogue did anything between the call by which the first got the lock and the moment at
  which the other was told: it may have removed the lock.

Lanes of one process may share a lock on purpose, and a guarded write does not say when it took it;
neither is looked at. `harness.oracle.double_hold` is what the kernel gate's histories are asked.
"""

from __future__ import annotations

from harness.model.history import ACQUIRING, IDLE, KEEPING, RELEASING, History, Invoke, Return, Step
from harness.oracle.index import FOREVER
from harness.oracle.verdict import Violation

__all__ = ["reported_double_holds"]

_WRITING = frozenset({"append", "rewrite"})
#: Locks of which there is one as long as there is one name.
_EXCLUSIVE = frozenset({"sidecar", "mkdir"})


class _Call:
    """One operation.

    Attributes:
        begin, end: monotonic nanoseconds; `end` is `FOREVER` where it did not return.
        change: its step that changed the transcript; -1 for none.
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
        """Whether it surely changed the transcript inside the section of its lane."""
        return self.invoke.kind in _WRITING and self.outcome == "ok" and self.change >= 0


class _Stay:
    """A lane's stay in the locked section, by what it was told.

    Attributes:
        taking: the call by which it got the lock.
        until: when it last surely was inside: the begin of the call that let go, or the
            end of its last one.
        writes: calls that changed the transcript.
    """

    __slots__ = ("taking", "until", "writes")

    def __init__(self, taking: _Call) -> None:
        self.taking = taking
        self.until = taking.end
        self.writes: list[_Call] = []


def reported_double_holds(history: History) -> list[Violation]:
    """One violation for each stay that began inside another lane's; free gate only."""
    header = history.header
    lanes = header.lanes
    calls = _calls(history)
    stays = [stay for lane in sorted(calls) if lanes[lane].participant for stay in _stays(calls[lane])]
    rogues = [call for lane in calls if not lanes[lane].participant for call in calls[lane]]
    found = []
    for late in stays:
        for early in stays:
            first, second = early.taking.invoke.lane, late.taking.invoke.lane
            if lanes[first].process == lanes[second].process:
                continue
            proof = _proof(early, late, rogues, exclusive=header.lock_kind in _EXCLUSIVE)
            if proof is not None:
                detail = (
                    f"{lanes[second].name} was told that it had the write lock while "
                    f"{lanes[first].name} had been told the same, who went on to change the transcript"
                )
                causes = tuple(sorted({early.taking.returned, late.taking.returned, *proof}))
                taking = late.taking
                found.append(
                    Violation("double_hold", taking.returned, second, taking.invoke.op, detail, causes)
                )
    return found


def _calls(history: History) -> dict[int, list[_Call]]:
    """All operations by lane, in order."""
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


def _stays(calls: list[_Call]) -> list[_Stay]:
    """One lane's stays; what goes by the runner's own writer and what by its fence are apart."""
    found: list[_Stay] = []
    inside: dict[str, _Stay] = {}
    for call in calls:
        kind, route = call.invoke.kind, call.invoke.route
        stay = inside.get(route)
        if stay is None:
            if kind in ACQUIRING and call.outcome == "ok":
                inside[route] = _Stay(call)
                found.append(inside[route])
        elif kind not in IDLE:
            stay.until = call.begin
            if call.wrote:
                stay.writes.append(call)
            if kind in RELEASING or call.outcome not in KEEPING:
                del inside[route]
            else:
                stay.until = call.end
    return found


def _proof(early: _Stay, late: _Stay, rogues: list[_Call], *, exclusive: bool) -> list[int] | None:
    """The writes that prove that two stays were one too many; None where nothing does."""
    told = late.taking.end
    if not early.taking.end < told <= early.until:
        return None
    if any(rogue.begin <= told and rogue.end >= early.taking.begin for rogue in rogues):
        return None
    acts = [call.change for call in early.writes if call.begin > told]
    beliefs = [call.change for call in late.writes if call.end < early.until]
    if not acts or not (exclusive or beliefs):
        return None
    return acts[:1] if exclusive else [acts[0], beliefs[0]]
