"""Find exceptions that a fence raised and does not document."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import History, Invoke, Return, Step
from harness.oracle.index import KILL
from harness.oracle.verdict import Violation

__all__ = ["crashes", "failed_action", "kill_step"]

_ACTION = "action"


def crashes(history: History, returns: Sequence[int]) -> list[Violation]:
    """Return one violation for each crashed Return that the first pass found.

    A lane whose process the gate killed before is left out: its end is not the fence's fault. Errors
    that a fence passes on after a file call was made to fail are not among `returns`.
    """
    found = []
    for at in returns:
        event = history.events[at]
        assert isinstance(event, Return)
        if 0 <= kill_step(history, event.lane) < at or _call(history, event).kind == _ACTION:
            continue
        name = history.header.lanes[event.lane].name
        detail = f"{name} crashed: {event.detail}" if event.detail else f"{name} crashed without a message"
        found.append(Violation("crash", at, event.lane, event.op, detail))
    return found


def failed_action(history: History, returns: Sequence[int]) -> str:
    """Return why a history proves nothing where an action raised, empty for none: the fence was not asked.

    Args:
        history: of the schedule.
        returns: as for `crashes`.
    """
    for at in returns:
        event = history.events[at]
        assert isinstance(event, Return)
        call = _call(history, event)
        if call.kind == _ACTION and not 0 <= kill_step(history, event.lane) < at:
            name = history.header.lanes[event.lane].name
            return f"the action {call.how} of {name}, which is no part of the fence, raised {event.detail}"
    return ""


def _call(history: History, end: Return) -> Invoke:
    """Return the begin of the operation that has ended."""
    return next(
        event
        for event in history.events
        if isinstance(event, Invoke) and (event.lane, event.op) == (end.lane, end.op)
    )


def kill_step(history: History, lane: int) -> int:
    """Return the step at which the gate killed the process of a lane on purpose; -1 if it did not."""
    lanes = history.header.lanes
    for at, event in enumerate(history.events):
        if not isinstance(event, Step) or event.fault != KILL:
            continue
        if lanes[event.lane].process == lanes[lane].process:
            return at
    return -1
