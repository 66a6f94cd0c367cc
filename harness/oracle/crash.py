"""Did the fence raise something that it does not document?"""

from __future__ import annotations

from collections.abc import Sequence

from harness.history import History, Return, Step
from harness.oracle.judgement import Violation

__all__ = ["crashes", "killed"]


def crashes(history: History, returns: Sequence[int]) -> list[Violation]:
    """One violation for each of the Returns that a first look found.

    A lane that the gate itself killed is no fault of the fence. Nor is an error that
    it hands on when a file call was made to fail: such a Return is not among them.
    """
    found = []
    for at in returns:
        event = history.events[at]
        assert isinstance(event, Return)
        if killed(history, event.lane, event.op):
            continue
        name = history.header.lanes[event.lane].name
        detail = f"{name} crashed: {event.detail}" if event.detail else f"{name} crashed without a word"
        found.append(Violation("crash", at, event.lane, event.op, detail))
    return found


def killed(history: History, lane: int, op: int | None = None) -> bool:
    """Whether the gate killed a lane on purpose, in one operation or in any."""
    return any(
        isinstance(event, Step) and event.lane == lane and op in (None, event.op) and "kill" in event.fault
        for event in history.events
    )
