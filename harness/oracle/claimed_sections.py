"""Find when each lane believed to have the write lock, by what its calls returned."""

from __future__ import annotations

from typing import NamedTuple

from harness.model.history import ACQUIRING, KEEPING, RELEASING, Invoke, Return
from harness.oracle.index import HistoryIndex
from harness.oracle.operations import FOREVER

__all__ = ["ClaimedSection", "claimed_sections", "stays_inside"]

#: Kinds of operation inside the section; the lane stays inside even if a call of one fails.
_WORKING = frozenset(("load", "append", "rewrite"))


def stays_inside(kind: str, outcome: str) -> bool:
    """Return whether a lane is still in its section after an operation that is not to release the lock."""
    return outcome in KEEPING or (outcome == "failed" and kind in _WORKING)


class ClaimedSection(NamedTuple):
    """The time between the return of a call that takes the lock and the end of the one that releases it.

    Attributes:
        lane: that believed to have the lock.
        asked: index of the Invoke of the call that was to take the lock.
        begin: index of the Return by which it was told so.
        end: index of the Return after which it believes it no longer; `FOREVER` for none.
    """

    lane: int
    asked: int
    begin: int
    end: int

    def covers(self, lane: int, at: int) -> bool:
        """Return whether a lane's event lies in its section."""
        return lane == self.lane and self.begin < at <= self.end


def claimed_sections(index: HistoryIndex) -> list[ClaimedSection]:
    """Return the sections of all participants in the order of their ends."""
    found: list[ClaimedSection] = []
    kinds: dict[int, str] = {}
    asked: dict[int, int] = {}
    began: dict[int, tuple[int, int]] = {}
    for at, event in enumerate(index.history.events):
        if isinstance(event, Invoke):
            kinds[event.lane], asked[event.lane] = event.kind, at
        elif isinstance(event, Return) and not index.is_rogue(event.lane):
            kind = kinds.get(event.lane, "")
            if kind in ACQUIRING and event.outcome == "ok":
                began.setdefault(event.lane, (asked[event.lane], at))
            elif event.lane in began and (kind in RELEASING or not stays_inside(kind, event.outcome)):
                found.append(ClaimedSection(event.lane, *began.pop(event.lane), at))
    return found + [ClaimedSection(lane, *since, FOREVER) for lane, since in began.items()]
