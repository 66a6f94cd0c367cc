"""Describe what a step reads and writes, so that commuting steps can be recognized.

Two steps of different lanes conflict when one of them writes what the other reads or writes.
Adjacent steps that do not conflict can be swapped without an observable difference. Access sets
have to be exact: one that is too large costs schedules, one that is too small loses some.
"""

from __future__ import annotations

import msgspec

__all__ = ["ANYTHING", "EVERYTHING", "NOTHING", "AccessSet", "conflict"]

#: An object that contains every other object.
EVERYTHING = "*"


class AccessSet(msgspec.Struct, frozen=True, gc=False):
    """Sets of object names; a name means the same object throughout one schedule.

    Args:
        reads: objects that the step only reads.
        writes: objects that the step may change; ``*`` for every object.
        waits: objects that blocked the step until now; also in `reads` or `writes`.
        frees: objects that may have blocked other steps until now; also in `writes`.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    waits: frozenset[str] = frozenset()
    frees: frozenset[str] = frozenset()

    def with_(self, other: AccessSet) -> AccessSet:
        """Return the union of two access sets."""
        return AccessSet(
            self.reads | other.reads,
            self.writes | other.writes,
            self.waits | other.waits,
            self.frees | other.frees,
        )

    @property
    def empty(self) -> bool:
        """Return whether the step commutes with every step of another lane."""
        return not self.reads and not self.writes


NOTHING = AccessSet()
ANYTHING = AccessSet(writes=frozenset({EVERYTHING}))


def conflict(one: AccessSet, other: AccessSet) -> bool:
    """Return whether the order of two steps may matter."""
    if EVERYTHING in one.writes:
        return not other.empty
    if EVERYTHING in other.writes:
        return not one.empty
    return not (
        one.writes.isdisjoint(other.writes)
        and one.writes.isdisjoint(other.reads)
        and other.writes.isdisjoint(one.reads)
    )
