"""Did the fence raise something that it does not document?"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import History, Return, Step
from harness.oracle.index import KILL
from harness.oracle.verdict import Violation

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
        if 0 <= killed(history, event.lane) < at:
            continue
        name = history.header.lanes[event.lane].name
        detail = f"{name} crashed: {event.detail}" if event.detail else f"{name} crashed without a word"
        found.append(Violation("crash", at, event.lane, event.op, detail))
    return found


def killed(history: History, lane: int) -> int:
    """The step at which the gate killed the process of a lane on purpose; -1 when it did not."""
    lanes = history.header.lanes
    for at, event in enumerate(history.events):
        if not isinstance(event, Step) or event.fault != KILL:
            continue
        if lanes[event.lane].process == lanes[lane].process:
            return at
    return -1
