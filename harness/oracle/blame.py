"""Name the steps that a refusal without cause was probably about.

The verdict does not depend on this module. It makes the report of a false positive say which steps
the fence may have taken for a takeover.
"""

from __future__ import annotations

from harness.model.history import Step
from harness.oracle.index import HistoryIndex, disturbs

__all__ = ["describe", "suspects"]

_MOST = 8


def suspects(index: HistoryIndex, lane: int, since: int, until: int) -> tuple[int, ...]:
    """Return steps of other lanes that changed the transcript, or what stat shows of it.

    Args:
        index: the history.
        lane: the lane that refused.
        since: index of the last Return after which it surely knew the transcript.
        until: index of the Return of the refusal.

    Returns:
        Indices of the latest such steps, at most eight, in order.
    """
    found: list[int] = []
    events = index.history.events
    for at in range(until - 1, since, -1):
        event = events[at]
        if isinstance(event, Step) and event.lane != lane and disturbs(event):
            found.append(at)
            if len(found) == _MOST:
                break
    return tuple(reversed(found))


def describe(index: HistoryIndex, indices: tuple[int, ...]) -> str:
    """Return the steps in words: lane, call and path."""
    if not indices:
        return "and no other lane had touched the transcript"
    words = []
    for at in indices:
        step = index.history.events[at]
        assert isinstance(step, Step)
        held = ", holding the lock" if step.change is not None and step.change.held else ""
        words.append(f"{index.header.lanes[step.lane].name} ({step.call} of {step.path or '?'}{held})")
    return "after steps of " + "; ".join(words)
