"""What a violation has to have in common with another one to be the same.

The kind alone would let a story slide into another one: most fences miss a write
between the load and their baseline, and every missed takeover could be moved there.
"""

from __future__ import annotations

from harness.model.history import Event, History, Step
from harness.oracle import Judgement, Violation, subkind_of

__all__ = ["violation_key"]

_BY_WINDOW = frozenset({"missed_takeover", "false_positive"})
_LOOKS = {
    **dict.fromkeys(("stat", "lstat", "fstat", "newfstatat", "statx"), "stat"),
    **dict.fromkeys(("read", "pread64", "readv", "preadv", "preadv2"), "read"),
}


def violation_key(history: History, judgement: Judgement, violation: Violation) -> tuple[str, str, str]:
    """Kind, kind of its kind, and where its last cause lies among the looks of the lane that decides."""
    gap = ""
    if violation.kind in _BY_WINDOW and violation.causes:
        gap = _gap(history.events, violation.lane, max(violation.causes))
    return violation.kind, subkind_of(judgement, violation), gap


def _gap(events: tuple[Event, ...], lane: int, at: int) -> str:
    """Between which looks of a lane at the transcript an event falls.

    Not in which operations: a gap is the same one round later.
    """
    looks = [
        (index, event.op, _LOOKS[event.call])
        for index, event in enumerate(events)
        if isinstance(event, Step) and event.lane == lane and event.path == "T" and event.call in _LOOKS
    ]
    before = next((look for look in reversed(looks) if look[0] < at), (-1, -1, ""))
    after = next((look for look in looks if look[0] > at), (-1, -2, ""))
    where = "inside" if before[1] == after[1] else "between"
    return f"{where} {before[2]} and {after[2]}"
