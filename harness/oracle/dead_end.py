"""Could everybody go on to the end?"""

from __future__ import annotations

from harness.model.history import End, History, Invoke, Return, Step
from harness.oracle.crash import killed
from harness.oracle.verdict import Violation

__all__ = ["dead_end"]


def dead_end(history: History, end: End) -> Violation | None:
    """Lanes that wait for ever, or else a lock that nobody holds any more.

    A lock left by a process that the gate killed is what locks are reclaimed for, and no
    violation as long as nobody waits for it, or began to and gave up.
    """
    names = [lane.name for lane in history.header.lanes]
    at = len(history.events) - 1
    if end.waiting:
        waits = "; ".join(f"{names[lane]} {_waits(what)}" for lane, what in end.waiting)
        lane = end.waiting[0][0]
        return Violation("dead_end", at, lane, _last_op(history, lane), f"nobody can go on: {waits}")
    lane = end.lock_owner
    if lane < 0:
        return None
    died = killed(history, lane)
    if died < 0:
        detail = f"lock left behind by lane {names[lane]}"
        return Violation("dead_end", at, lane, _last_op(history, lane), detail)
    return _unreclaimed(history, lane, died)


def _unreclaimed(history: History, owner: int, died: int) -> Violation | None:
    """The first who found the lock of a dead process and could not get it.

    Args:
        history: at whose end that lock is still there.
        owner: lane of the process.
        died: the step at which it was killed.
    """
    lanes = history.header.lanes
    # Who had begun to wait for a live holder may have had no time left.
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
    """A gate says what a lane waits for, or what it does: "it sleeps in the kernel"."""
    return what.removeprefix("it ") if what.startswith("it ") else f"waits for {what}"


def _last_op(history: History, lane: int) -> int:
    ops = [event.op for event in history.events if isinstance(event, Invoke) and event.lane == lane]
    return ops[-1] if ops else -1
