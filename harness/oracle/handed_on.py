"""Writes under a lock that one lane of a process took and another one goes on with."""

from __future__ import annotations

from harness.model.history import ACQUIRING, KEEPING, RELEASING, Invoke, Return, Step
from harness.oracle.index import HistoryIndex

__all__ = ["handed_on"]

#: Lock events after which the lock is no longer that of the lane that had it.
_GONE = frozenset({"released", "reclaimed", "returned"})


def handed_on(index: HistoryIndex) -> frozenset[int]:
    """Return the mutations under a lock that the writer's process has kept, as indices of events.

    An flock belongs to an open file, and a process may keep it for its next lane: the lane that took it has
    returned from its release, the lock was not let go, and the writer's own call to take it returned well
    without one. The lock kept other processes out all the time. One lane after the other is then
    up to the process, and not judged.
    """
    unheld = {mutation.index for mutation in index.unheld}
    if index.free or not unheld:
        return frozenset()
    lanes, kinds, found = index.header.lanes, dict[int, str](), set[int]()
    #: The lane that took the lock, whether it has returned from its release, and the lanes that believe to
    #: have the lock.
    owner, left, inside = -1, False, set[int]()
    for at, event in enumerate(index.history.events):
        if isinstance(event, Invoke):
            kinds[event.lane] = event.kind
        elif isinstance(event, Return):
            kind = kinds.get(event.lane, "")
            if kind in ACQUIRING and event.outcome == "ok":
                inside.add(event.lane)
            elif kind in RELEASING | {"guarded_write"} or event.outcome not in KEEPING:
                inside.discard(event.lane)
                left |= event.lane == owner
        elif isinstance(event, Step):
            if event.lock is not None and event.lock.kind == "acquired":
                owner, left = event.lane, False
            elif event.lock is not None and event.lock.kind in _GONE:
                owner = -1
            same = owner >= 0 and lanes[owner].process == lanes[event.lane].process
            # A guarded write takes the lock itself, and has not returned.
            believes = event.lane in inside or kinds.get(event.lane) == "guarded_write"
            if at in unheld and left and same and event.lane != owner and believes:
                found.add(at)
    return frozenset(found)
