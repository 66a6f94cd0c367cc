"""Take the calls on another transcript out of what is judged.

A lane may work on a transcript beside the watched one. Its lines and its refusals there say nothing of the
watched one; but its exceptions count, and so do its steps where they change the watched transcript all the
same.
"""

from __future__ import annotations

import msgspec

from harness.model.history import Event, History, Invoke, Return

__all__ = ["without_elsewhere"]

#: A kind of call that no rule asks for.
_KIND = "elsewhere"
#: Outcomes by which a call says something of its transcript or of the lock.
_ANSWERS = frozenset({"refused", "lock_timeout", "stale_lock"})


def without_elsewhere(history: History) -> History:
    """Return the history with calls on other transcripts as calls that no rule is about.

    Each event stays in its place, so that a violation in one history is at the same event in the other.
    """
    elsewhere = {at for at, lane in enumerate(history.header.lanes) if lane.transcript}
    if not elsewhere:
        return history
    events = [_without(event, elsewhere) for event in history.events]
    return msgspec.structs.replace(history, events=tuple(events))


def _without(event: Event, elsewhere: set[int]) -> Event:
    if isinstance(event, Invoke) and event.lane in elsewhere:
        return Invoke(event.lane, event.op, _KIND, at_ns=event.at_ns)
    if isinstance(event, Return) and event.lane in elsewhere and event.outcome in _ANSWERS:
        return msgspec.structs.replace(event, outcome="ok")
    return event
