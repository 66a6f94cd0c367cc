"""What a refusal without cause was probably about.

Decides nothing: it only names the steps that the fence may have taken for a takeover,
so that the report of a false positive says more than that there was none.
"""

from __future__ import annotations

from harness.model.history import Step
from harness.oracle.index import HistoryIndex, disturbs

__all__ = ["describe", "suspects"]

_MOST = 8


def suspects(survey: HistoryIndex, lane: int, since: int, until: int) -> tuple[int, ...]:
    """Steps of other lanes that changed the transcript, or what stat shows of it.

    Args:
        survey: the history.
        lane: the lane that refused.
        since: index of the Return of its last sure look.
        until: index of the Return of the refusal.

    Returns:
        Indices of the most recent ones, at most eight, in order.
    """
    found: list[int] = []
    events = survey.history.events
    for index in range(until - 1, since, -1):
        event = events[index]
        if isinstance(event, Step) and event.lane != lane and disturbs(event):
            found.append(index)
            if len(found) == _MOST:
                break
    return tuple(reversed(found))


def describe(survey: HistoryIndex, indices: tuple[int, ...]) -> str:
    """The steps in words: who, by which call."""
    if not indices:
        return "and no other lane had touched the transcript"
    words = []
    for index in indices:
        step = survey.history.events[index]
        assert isinstance(step, Step)
        held = ", holding the lock" if step.change is not None and step.change.held else ""
        words.append(f"{survey.header.lanes[step.lane].name} ({step.call} of {step.path or '?'}{held})")
    return "after steps of " + "; ".join(words)
