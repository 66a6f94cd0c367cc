"""Find exceptions that a fence raised and does not document."""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.history import History, Return, Step
from harness.oracle.index import KILL
from harness.oracle.verdict import Violation

__all__ = ["crashes", "kill_step"]


def crashes(history: History, returns: Sequence[int]) -> list[Violation]:
    """Return one violation for each crashed Return that the first pass found.

    A lane whose process the gate killed before is left out: its end is not the fence's fault. Errors
    that a fence passes on after a file call was made to fail are not among `returns`.
    """
    found = []
    for at in returns:
        event = history.events[at]
        assert isinstance(event, Return)
        if 0 <= kill_step(history, event.lane) < at:
            continue
        name = history.header.lanes[event.lane].name
        detail = f"{name} crashed: {event.detail}" if event.detail else f"{name} crashed without a message"
        found.append(Violation("crash", at, event.lane, event.op, detail))
    return found


def kill_step(history: History, lane: int) -> int:
    """Return the step at which the gate killed the process of a lane on purpose; -1 if it did not."""
    lanes = history.header.lanes
    for at, event in enumerate(history.events):
        if not isinstance(event, Step) or event.fault != KILL:
            continue
        if lanes[event.lane].process == lanes[lane].process:
            return at
    return -1
