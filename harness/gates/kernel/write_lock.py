"""Who has the write lock, read off what lanes do to its file.

`World` follows names and `Flocks` flocks; here is what either means for the lock of a kind
of `fence.locks`. What a fence says of its lock is never asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.history import LockEvent

if TYPE_CHECKING:
    from harness.gates.kernel.world import Node

__all__ = ["LOCK_SUFFIX", "WriteLock"]

#: Where each kind of lock lives, as a suffix to the transcript's name.
LOCK_SUFFIX = {"sidecar": ".lock", "flock": ".flock"}


class WriteLock:
    """The write lock of one transcript, over a schedule.

    Args:
        kind: a name of `fence.locks.KINDS`.
        transcript: the transcript's name.

    Attributes:
        name: of the lock's file.
        owner: lane that has it; -1 for none.
        robbed: lanes that had it and did not let it go themselves.
    """

    def __init__(self, kind: str, transcript: str) -> None:
        self.kind = kind
        self.name = transcript + LOCK_SUFFIX[kind]
        self.begin()

    def begin(self) -> None:
        """Start a schedule: there is no such file, and nobody has it."""
        self.owner = -1
        self.robbed: set[int] = set()
        self._file: Node | None = None

    # Locks that are held by being there

    def named(self, lane: int, names: Mapping[str, Node]) -> LockEvent | None:
        """What a step that may have changed names did to the lock.

        Args:
            lane: who moved.
            names: of the session directory, as they are now.
        """
        before, after = self._file, names.get(self.name)
        self._file = after
        if after is before or self.kind != "sidecar":
            return None
        owner = self.owner
        if after is None:
            self.owner = -1
            if owner == lane:
                return LockEvent("released")
            self.robbed.add(owner)
            return LockEvent("reclaimed", owner)
        if before is not None and owner >= 0 and owner != lane:
            self.robbed.add(owner)
        self.owner = lane
        self.robbed.discard(lane)
        return LockEvent("acquired", owner if before is not None else -1)

    # Locks that are held by flock

    def flocked(self, lane: int, node: Node, names: Mapping[str, Node]) -> LockEvent | None:
        """A lane got the exclusive flock on a file."""
        if self.kind != "flock" or node is not names.get(self.name):
            return None
        self.owner = lane
        return LockEvent("acquired")

    def unflocked(self, node: Node, names: Mapping[str, Node]) -> LockEvent | None:
        """Nobody has a flock on a file any more."""
        if self.kind != "flock" or node is not names.get(self.name) or self.owner < 0:
            return None
        self.owner = -1
        return LockEvent("released")
