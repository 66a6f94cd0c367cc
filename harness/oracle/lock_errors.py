"""Judge errors about the lock that the history of the lock contradicts.

A time-out says that another lane kept the lock for too long, a stale lock that it was taken
away. Where no other lane had the lock during the call, and it was not taken away, the caller was
told something that did not happen: a takeover in disguise, or no reason at all.

Only the lock that the harness watches is known. The rules are silent where that lock was never
taken in the schedule, where a rogue touched it, and where a fault or a leap of time fell into
the call. Kernel gate only.
"""

from __future__ import annotations

import bisect
import operator

from harness.model.history import NO_CHANGE, NOT_SAID, History, Invoke, Return, Step
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import Operation
from harness.oracle.verdict import Violation

__all__ = ["false_lock_errors", "waited_for_another"]

#: Calls that set out to take the lock, or may have to.
_TAKING = frozenset({"acquire", "begin_turn", "guarded_write", "recover", "end_turn"})
#: Calls of a lane that has the lock already, or has no more to do than to let it go.
_UNDER_IT = frozenset({"load", "append", "rewrite", "release_for_prompt", "release", "end_turn"})
#: Steps of the watched lock after which its owner is not as plain as it looks.
_UNSURE = frozenset({"hollow", "returned", "shared"})
#: Steps in which a lane waits.
_WAITING = frozenset({"sleep", "flock", "turn"})


def false_lock_errors(index: HistoryIndex) -> list[Violation]:
    """Return a violation for each time-out or stale lock that did not happen."""
    if index.free:
        return []
    owners = _owners(index)
    if owners is None:
        return []
    found = []
    for lane, operations in enumerate(index.by_lane):
        if index.is_rogue(lane):
            continue
        for operation in operations:
            if operation.outcome not in ("lock_timeout", "stale_lock") or operation.returned < 0:
                continue
            detail = _contradiction(index, operation, owners)
            if detail:
                found.append(Violation("false_lock_error", operation.returned, lane, operation.op, detail))
    return found


def waited_for_another(history: History, call: Invoke, at: int) -> bool:
    """Return whether a call, which ended at the event `at`, waited long enough and another lane had the lock.

    No rule accuses the time-out of such a call. Another lane had the lock if it took it or let it go
    during the call, or was the last one to take it before.
    """
    end = history.events[at]
    if isinstance(end, Return) and _is_short(end.waited_ms, history.header.lock_timeout_ms):
        return False
    begun, others = -1, False
    before = bisect.bisect_left(history.notable, at, key=operator.itemgetter(0))
    for place, event in reversed(history.notable[:before]):
        if event is call:
            begun = place
        elif isinstance(event, Step) and event.lock is not None and event.lock.kind not in NO_CHANGE:
            inside = begun < 0
            told = ("acquired", "released") if inside else ("acquired",)
            others |= event.lane != call.lane and event.lock.kind in told
            if not inside:
                break
        if others and begun >= 0:
            break
    return others and any(
        isinstance(event, Step) and event.lane == call.lane and (event.call in _WAITING or _is_blocked(event))
        for event in history.events[begun:at]
    )


def _is_blocked(step: Step) -> bool:
    return step.lock is not None and step.lock.kind == "blocked"


_Stay = tuple[int, int, int]


def _owners(index: HistoryIndex) -> list[_Stay] | None:
    """Return the stays of owners as (lane, first, last event); None where that is not known."""
    stays: list[_Stay] = []
    owner, since = -1, 0
    if _rogue_touched_lock(index):
        return None
    for at, event in index.history.notable:
        if not isinstance(event, Step):
            continue
        lock = event.lock
        if lock is None or lock.kind in NO_CHANGE:
            continue
        if lock.kind in _UNSURE or (lock.kind == "reclaimed" and lock.owner < 0):
            return None
        if lock.kind in ("acquired", "reclaimed") or (lock.kind == "released" and event.lane == owner):
            if owner >= 0:
                stays.append((owner, since, at))
            owner = event.lane if lock.kind == "acquired" else -1
            since = at
        elif lock.kind == "released":
            return None
    if owner >= 0:
        stays.append((owner, since, len(index.history.events)))
    return stays or None


def _rogue_touched_lock(index: HistoryIndex) -> bool:
    rogues = {lane for lane in range(len(index.by_lane)) if index.is_rogue(lane)}
    return bool(rogues) and any(
        isinstance(event, Step) and event.lane in rogues and (event.lock is not None or "lock" in event.path)
        for event in index.history.events
    )


def _contradiction(index: HistoryIndex, operation: Operation, owners: list[_Stay]) -> str:
    lane = operation.lane
    name = index.header.lanes[lane].name
    first, last = operation.invoked, operation.returned
    if any(step.fault for step in index.steps_of(operation)) or _died_before(index, last):
        return ""
    others = [stay for stay in owners if stay[0] != lane and stay[1] <= last and stay[2] >= first]
    own = [stay for stay in owners if stay[0] == lane and stay[1] <= last and stay[2] >= first]
    robbed = lane in _robbed(index)
    error = "time-out" if operation.outcome == "lock_timeout" else "stale lock"
    call = f"{name} reports a {error} from its {operation.kind}"
    if operation.outcome == "lock_timeout":
        holds = any(stay[1] < first for stay in own)
        if not others and not holds and operation.kind in _TAKING:
            return f"{call}, though no other lane had the lock while it ran"
        if not others and holds and operation.kind in _UNDER_IT and _asks_for_nothing(index, operation):
            return f"{call}, though it had the lock itself"
        return _early(index, operation, call)
    if robbed or others:
        return ""
    if operation.kind in _TAKING:
        return f"{call}, though no other lane had the lock while it ran and it was not taken away"
    if any(stay[1] < first for stay in own):
        return f"{call}, though it held the lock all the time"
    return ""


def _asks_for_nothing(index: HistoryIndex, operation: Operation) -> bool:
    """Return whether a call touched nothing but the transcript and the watched lock, and never waited.

    Another call may have asked for a further lock, which the harness does not know.
    """
    watched = {
        "T",
        *(event.path for _, event in index.history.notable if isinstance(event, Step) and event.lock),
    }
    return all(step.path in watched and step.call not in _WAITING for step in index.steps_of(operation))


def _early(index: HistoryIndex, operation: Operation, call: str) -> str:
    """Say that a call gave up long before the time that the scenario asks it to wait; else empty.

    Where the history does not say how long the call took: a lane that never sleeps or blocks is there
    for no longer than the steps in between last.
    """
    asked_ms = index.header.lock_timeout_ms
    end = index.history.events[operation.returned]
    if isinstance(end, Return) and end.waited_ms != NOT_SAID:
        if not _is_short(end.waited_ms, asked_ms):
            return ""
        return f"{call} after {end.waited_ms} ms, though it was to wait for {asked_ms} ms"
    between = index.history.events[operation.invoked : operation.returned]
    passed_ms = sum(isinstance(event, Step) for event in between) * index.header.step_ms
    own = index.steps_of(operation)
    waited = any(step.call in _WAITING or _is_blocked(step) for step in own)
    if waited or not own or not _is_short(passed_ms, asked_ms):
        return ""
    return f"{call} after {passed_ms} ms at most, though it was to wait for {asked_ms} ms"


def _is_short(waited_ms: int, asked_ms: int) -> bool:
    """Return whether the length of a wait is known, and less than half the time asked for."""
    return 0 <= 2 * waited_ms < asked_ms


def _robbed(index: HistoryIndex) -> set[int]:
    """Return the lanes whose lock was taken away."""
    return {
        event.lock.owner
        for _, event in index.history.notable
        if isinstance(event, Step) and event.lock is not None and event.lock.kind == "reclaimed"
    }


def _died_before(index: HistoryIndex, at: int) -> bool:
    """Return whether a fault stopped, delayed or killed any process by then: its lock may outlive it."""
    return any(
        place < at and isinstance(event, Step) and event.is_process_fault
        for place, event in index.history.notable
    )
