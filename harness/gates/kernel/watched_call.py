"""A granted call whose step is recorded only when its lane has come to rest."""

from __future__ import annotations

from typing import Final

from harness.gates.kernel.lane import Lane
from harness.gates.kernel.process import PendingSyscall
from harness.model.history import Change, LockEvent

__all__ = ["Effect", "WatchedCall"]

#: Change of the transcript and event of the write lock.
Effect = tuple[Change | None, LockEvent | None]
_NO_EFFECT: Final[Effect] = (None, None)


class WatchedCall:
    """A granted call whose step is recorded only when its lane has come to rest.

    Args:
        lane: that was granted it.
        pending: the call.
        op: index of the lane's operation.
        path: alias of the file that the call is about.
        note: what the history says of it.
        fault: the fault injected into the call; empty for none.
        effect: what the call did, as far as it is known.
        lock: what the end of a process did to the write lock meanwhile.
    """

    __slots__ = ("effect", "fault", "lane", "lock", "note", "op", "path", "pending")

    def __init__(
        self,
        lane: Lane,
        pending: PendingSyscall,
        op: int,
        path: str,
        note: str = "",
        fault: str = "",
        effect: Effect = _NO_EFFECT,
    ) -> None:
        self.lane = lane
        self.pending = pending
        self.op = op
        self.path = path
        self.note = note
        self.fault = fault
        self.effect = effect
        self.lock: LockEvent | None = None

    def had(self, effect: Effect) -> None:
        """Keep what the call did, now that it has returned."""
        self.effect = effect

    def lost(self, lock: LockEvent) -> None:
        """Keep what the end of a process did to the write lock meanwhile."""
        self.lock = lock
