"""Follow several locks of which a lane has to hold all when it writes.

Some runtimes take a file lock of their own and that of a library, or a lock for the folder and one for the
transcript. Only a lane that has each of them is alone. `WriteLock` follows one of them; a change of
one part is an event of the whole only where a lane comes to have all of them, or no longer has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fence.locks import LockFile
from fence.locks.kind import Keeper
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.write_lock import WriteLock
from harness.model.history import LockEvent

__all__ = ["WriteLocks", "watch"]

_NO_LANE = -1


def watch(locks: Sequence[LockFile], transcript: str) -> WriteLock | WriteLocks:
    """Return what follows the write lock of a transcript.

    Args:
        locks: those that a lane has to hold, at least one.
        transcript: the transcript's name.
    """
    parts = [WriteLock(lock, transcript) for lock in locks]
    return parts[0] if len(parts) == 1 else WriteLocks(parts)


class WriteLocks:
    """The write lock of one transcript that is made of several, over a schedule.

    Args:
        parts: the locks.

    Attributes:
        name: of the first part's file.
        keepers, directories: of all parts, see `WriteLock`.
        owner: lane that has all parts; -1 for none.
        robbed: lanes that lost a part that they did not let go themselves, or have a hollow one.

    A part in shared mode counts as had, as long as another part is not shared.
    """

    def __init__(self, parts: Sequence[WriteLock]) -> None:
        self._parts = parts
        self.name = parts[0].name
        self.keepers: frozenset[Keeper] = frozenset().union(*(part.keepers for part in parts))
        self.directories: frozenset[str] = frozenset().union(*(part.directories for part in parts))
        self.begin()

    def begin(self) -> None:
        """Start a schedule: no lane has any of them."""
        for part in self._parts:
            part.begin()
        self.owner = _NO_LANE
        self.robbed: set[int] = set()

    def byte_of(self, inode: Inode) -> int | None:
        """Return the byte of a file that a record lock is on; None for any range."""
        return next((byte for part in self._parts if (byte := part.byte_of(inode)) is not None), None)

    def found(self, names: Mapping[str, Inode]) -> None:
        """Take in the files that have the names before the first step."""
        for part in self._parts:
            part.found(names)

    def named(self, lane: int, names: Mapping[str, Inode]) -> LockEvent | None:
        """Return what a step that may have changed names did to the lock."""
        return self._told(lane, [part.named(lane, names) for part in self._parts])

    def flocked(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane got the exclusive flock on a file, or its process the record lock."""
        return self._told(lane, [part.flocked(lane, inode, keeper) for part in self._parts])

    def unflocked(self, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that no lane has it any more."""
        return self._told(self.owner, [part.unflocked(inode, keeper) for part in self._parts])

    def shared(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane got one of the locks in shared mode."""
        return self._told(lane, [part.shared(lane, inode, keeper) for part in self._parts])

    def unshared(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane gave up one of the locks that it had in shared mode."""
        return self._told(lane, [part.unshared(lane, inode, keeper) for part in self._parts])

    def _told(self, lane: int, events: Iterable[LockEvent | None]) -> LockEvent | None:
        """Return what the events of parts come to; `lane` moved."""
        happened = [event for event in events if event is not None]
        if not happened:
            return None
        self.robbed = set().union(*(part.robbed for part in self._parts))
        before, self.owner = self.owner, self._whole_owner()
        if self.owner == before:
            if all(lane in part.sharers for part in self._parts) and happened[0].kind == "shared":
                return happened[0]
            return next((event for event in happened if event.kind == "hollow"), None)
        if self.owner == _NO_LANE:
            robbed = any(event.kind == "reclaimed" and event.owner == before for event in happened)
            return LockEvent("reclaimed", before) if robbed or before != lane else LockEvent("released")
        return LockEvent("acquired", before) if self.owner == lane else LockEvent("returned", self.owner)

    def _whole_owner(self) -> int:
        """Return the lane that has each part and one of them alone; -1 for none."""
        for lane in {part.owner for part in self._parts} - {_NO_LANE}:
            if all(lane == part.owner or lane in part.sharers for part in self._parts):
                return lane
        return _NO_LANE
