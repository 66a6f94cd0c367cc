"""Find lanes that can never finish, and locks that are never released."""

from __future__ import annotations

from harness.model.history import NO_CHANGE, RELEASING, End, History, Invoke, Return, Step
from harness.oracle.crash import kill_step
from harness.oracle.verdict import Violation

__all__ = ["dead_end"]


def dead_end(history: History, end: End) -> Violation | None:
    """Return a violation if lanes wait for ever, or if a lock without a holder is left at the end.

    A lock that its caller never released may stay. So may a lock of a process that the gate killed,
    because the next lane can reclaim it: that is a violation only if a lane waited for it and gave up.
    """
    names = [lane.name for lane in history.header.lanes]
    at = len(history.events) - 1
    if end.waiting:
        waits = "; ".join(f"{names[lane]} {_waits(what)}" for lane, what in end.waiting)
        lane = end.waiting[0][0]
        return Violation("dead_end", at, lane, _last_op(history, lane), f"no lane can go on: {waits}")
    lane = end.lock_owner
    if history.header.left_lock:
        stuck = _left_in_place(history)
        if stuck is not None:
            return stuck
    if lane < 0 or _is_kept(history, lane):
        return None
    died = kill_step(history, lane)
    if died < 0:
        detail = f"lock left behind by lane {names[lane]}"
        return Violation("dead_end", at, lane, _last_op(history, lane), detail)
    return _unreclaimed(history, lane, died)


def _left_in_place(history: History) -> Violation | None:
    """Return a violation for the first lane that gave up while a dead process's lock was in place."""
    lanes = history.header.lanes
    for at, event in enumerate(history.events):
        if isinstance(event, Step) and event.lock is not None and event.lock.kind not in NO_CHANGE:
            return None
        if isinstance(event, Return) and event.outcome == "lock_timeout" and lanes[event.lane].participant:
            detail = (
                f"{lanes[event.lane].name} waited for the lock that a process had left behind when it died, "
                "before the schedule, and gave up: it was not reclaimed"
            )
            return Violation("dead_end", at, event.lane, event.op, detail)
    return None


def _is_kept(history: History, lane: int) -> bool:
    """Return whether a lane's program ends after an acquire, as in some scenarios with a time-out.

    A lane that crashed may have had a release to come.
    """
    if history.header.lock_timeout_ms < 0 or kill_step(history, lane) >= 0:
        return False
    own = [event for event in history.events if not isinstance(event, End) and event.lane == lane]
    if any(isinstance(event, Return) and event.outcome == "crash" for event in own):
        return False
    kinds = [event.kind for event in own if isinstance(event, Invoke)]
    acquired = max((at for at, kind in enumerate(kinds) if kind == "acquire"), default=-1)
    return acquired >= 0 and not RELEASING.intersection(kinds[acquired:])


def _unreclaimed(history: History, owner: int, died: int) -> Violation | None:
    """Return a violation for the first lane that waited for a dead process's lock and gave up.

    Args:
        history: the history, at the end of which the lock is still there.
        owner: lane of the killed process.
        died: the step at which the process was killed.
    """
    lanes = history.header.lanes
    # A lane that began to wait while the holder lived may have had no time left after the death.
    earlier = {(event.lane, event.op) for event in history.events[:died] if isinstance(event, Step)}
    for at, event in enumerate(history.events[died:], died):
        if not isinstance(event, Return) or event.outcome != "lock_timeout":
            continue
        if lanes[event.lane].participant and (event.lane, event.op) not in earlier:
            detail = (
                f"{lanes[event.lane].name} waited for the lock that {lanes[owner].name} left behind when "
                "its process was killed, and gave up: it was not reclaimed"
            )
            return Violation("dead_end", at, event.lane, event.op, detail, (died,))
    return None


def _waits(what: str) -> str:
    """Return the predicate of the message: gates give a noun ("the lock") or a sentence ("it sleeps")."""
    return what.removeprefix("it ") if what.startswith("it ") else f"waits for {what}"


def _last_op(history: History, lane: int) -> int:
    ops = [event.op for event in history.events if isinstance(event, Invoke) and event.lane == lane]
    return ops[-1] if ops else -1
