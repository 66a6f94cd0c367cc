"""What a step reads and writes, so that it can be told which steps commute.

Two steps of different lanes conflict when one of them writes what the other reads or
writes. Steps that do not conflict may be swapped where they stand next to each other,
and nobody can tell the difference. What a step touches is said with care: too much costs
schedules, too little would lose some.
"""

from __future__ import annotations

import msgspec

__all__ = ["ANYTHING", "EVERYTHING", "NOTHING", "AccessSet", "conflict"]

#: An object that every other one is a part of.
EVERYTHING = "*"


class AccessSet(msgspec.Struct, frozen=True, gc=False):
    """Objects by name; a name means the same thing throughout one schedule.

    Args:
        reads: what it only looks at.
        writes: what it may change; ``*`` for anything at all.
        waits: what it had to wait for until nobody was in the way; also read or written.
        frees: what others may have waited for until this step; also written.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    waits: frozenset[str] = frozenset()
    frees: frozenset[str] = frozenset()

    def with_(self, other: AccessSet) -> AccessSet:
        """What both touch together."""
        return AccessSet(
            self.reads | other.reads,
            self.writes | other.writes,
            self.waits | other.waits,
            self.frees | other.frees,
        )

    @property
    def empty(self) -> bool:
        """Whether it commutes with every step of another lane."""
        return not self.reads and not self.writes


NOTHING = AccessSet()
ANYTHING = AccessSet(writes=frozenset({EVERYTHING}))


def conflict(one: AccessSet, other: AccessSet) -> bool:
    """Whether the order of two steps may matter."""
    if EVERYTHING in one.writes:
        return not other.empty
    if EVERYTHING in other.writes:
        return not one.empty
    return not (
        one.writes.isdisjoint(other.writes)
        and one.writes.isdisjoint(other.reads)
        and other.writes.isdisjoint(one.reads)
    )
