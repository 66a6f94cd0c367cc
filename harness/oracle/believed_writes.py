"""Find writes that are the business of the lock, and not of the fence's check for takeovers.

Their lane believed to have the write lock and did not have it alone: its call to take it had returned
well, or another lane held it at that moment. What is wrong there, if anything is, is told as a double
hold, or as a lock that was never taken. A lane that was robbed of its lock is not one of these.
"""

from __future__ import annotations

from harness.oracle.claimed_sections import claimed_sections
from harness.oracle.double_hold import shared_writes, unlocked_writes
from harness.oracle.handed_on import handed_on
from harness.oracle.index import HistoryIndex

__all__ = ["believed_writes"]


def believed_writes(index: HistoryIndex) -> frozenset[int]:
    """Return the mutations that are no takeover by the lock alone, as indices of events."""
    if index.believed is None:
        index.believed = shared_writes(index) | _without_lock(index)
    return index.believed


def _without_lock(index: HistoryIndex) -> frozenset[int]:
    unheld = index.unheld
    if index.free or not unheld:
        return frozenset()
    if index.lock_unseen:
        # The lane may have the lock that it took, where that is not the one that is watched.
        return frozenset(mutation.index for mutation in unheld)
    claims = claimed_sections(index)
    named = {(violation.lane, violation.op) for violation in unlocked_writes(index)}
    return handed_on(index) | {
        mutation.index
        for mutation in unheld
        if (mutation.operation.lane, mutation.operation.op) in named
        or any(one.covers(mutation.operation.lane, mutation.index) for one in claims)
    }
