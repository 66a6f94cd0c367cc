"""The oracle's access sets: verdicts depend on an order of steps that no lane can see.

A verdict depends on whether an effect was complete before the first step of a decision, and
on whether a lane still owned the lock when it wrote. Steps that commute for the fences may
not commute for the oracle, so schedules of one class could differ in their verdict.
Here each step gets objects that order the steps as far as verdicts need it:

``effects``, written by each step that changed the transcript, and by the ends of a
rogue's operation that changed it more than once (its net effect is asked for), read by
the first and last step of every operation of a participant; and ``owner``, written by
each step at which the lock changed hands, read by each change of a participant.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.access_set import AccessSet
from harness.model.history import NO_CHANGE, LaneInfo, Step

__all__ = ["POSSIBLE", "oracle_access_sets"]

_EFFECTS, _OWNER = frozenset({"effects"}), frozenset({"owner"})
_BOTH = _EFFECTS | _OWNER


def oracle_access_sets(steps: Sequence[Step], lanes: Sequence[LaneInfo]) -> list[AccessSet]:
    """Return the oracle's access set of each step of a schedule that is over."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    changes: dict[tuple[int, int], int] = {}
    for at, step in enumerate(steps):
        operation = (step.lane, step.op)
        first.setdefault(operation, at)
        last[operation] = at
        changes[operation] = changes.get(operation, 0) + (step.change is not None)
    found = []
    for at, step in enumerate(steps):
        operation = (step.lane, step.op)
        is_end = at in (first[operation], last[operation])
        participant = lanes[step.lane].participant
        reads: frozenset[str] = frozenset()
        writes: frozenset[str] = frozenset()
        if step.change is not None:
            writes |= _EFFECTS
            reads |= _OWNER if participant else frozenset()
        if is_end and participant:
            reads |= _EFFECTS
        elif is_end and changes[operation] > 1:
            writes |= _EFFECTS
        if step.lock is not None and step.lock.kind not in NO_CHANGE:
            writes |= _OWNER
        found.append(AccessSet(reads, writes))
    return found


#: All that a step may touch for the oracle, as long as its effect is not known.
POSSIBLE = AccessSet(writes=_BOTH)
