"""Say which violations count as the same while a witness shrinks.

The kind alone would let a story turn into another one: most fences miss a write between the
load and their baseline, and every missed takeover could be moved there.
"""

from __future__ import annotations

from harness.model.history import Event, History, Step
from harness.oracle import Judgement, Violation, subkind_of

__all__ = ["violation_key"]

_BY_WINDOW = frozenset({"missed_takeover", "false_positive"})
_READS = {
    **dict.fromkeys(("stat", "lstat", "fstat", "newfstatat", "statx"), "stat"),
    **dict.fromkeys(("read", "pread64", "readv", "preadv", "preadv2"), "read"),
}


def violation_key(history: History, judgement: Judgement, violation: Violation) -> tuple[str, str, str]:
    """Return kind, subkind, and between which reads of the deciding lane the last cause lies."""
    gap = ""
    if violation.kind in _BY_WINDOW and violation.causes:
        gap = _gap(history.events, violation.lane, max(violation.causes))
    return violation.kind, subkind_of(judgement, violation), gap


def _gap(events: tuple[Event, ...], lane: int, at: int) -> str:
    """Return between which stats and reads of the transcript by a lane an event falls.

    Operations are not named: a gap in the next round is the same gap.
    """
    reads = [
        (index, event.op, _READS[event.call])
        for index, event in enumerate(events)
        if isinstance(event, Step) and event.lane == lane and event.path == "T" and event.call in _READS
    ]
    before = next((read for read in reversed(reads) if read[0] < at), (-1, -1, ""))
    after = next((read for read in reads if read[0] > at), (-1, -2, ""))
    where = "inside" if before[1] == after[1] else "between"
    return f"{where} {before[2]} and {after[2]}"
