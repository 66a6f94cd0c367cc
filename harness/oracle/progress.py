"""Could everybody go on to the end?"""

from __future__ import annotations

from harness.history import End, History, Invoke
from harness.oracle.crash import killed
from harness.oracle.judgement import Violation

__all__ = ["dead_end"]


def dead_end(history: History, end: End) -> Violation | None:
    """Lanes that wait for ever, or else a lock that nobody holds any more.

    A lock left by a lane that the gate killed is what locks are reclaimed for, and no
    violation as long as nobody waits for it.
    """
    names = [lane.name for lane in history.header.lanes]
    at = len(history.events) - 1
    if end.waiting:
        waits = "; ".join(f"{names[lane]} {_waits(what)}" for lane, what in end.waiting)
        lane = end.waiting[0][0]
        return Violation("dead_end", at, lane, _last_op(history, lane), f"nobody can go on: {waits}")
    lane = end.lock_owner
    if lane >= 0 and not killed(history, lane):
        detail = f"lock left behind by lane {names[lane]}"
        return Violation("dead_end", at, lane, _last_op(history, lane), detail)
    return None


def _waits(what: str) -> str:
    """A gate says what a lane waits for, or what it does: "it sleeps in the kernel"."""
    return what.removeprefix("it ") if what.startswith("it ") else f"waits for {what}"


def _last_op(history: History, lane: int) -> int:
    ops = [event.op for event in history.events if isinstance(event, Invoke) and event.lane == lane]
    return ops[-1] if ops else -1
