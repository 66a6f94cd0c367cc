"""The lane that has the write lock, known from the calls of lanes on its file.

`VirtualFiles` follows names and `Flocks` flocks; here is what either means for the lock of a kind
of `fence.locks`. A fence's own word about its lock does not count.

A lock that is there, a file or a directory, is its maker's until it is gone. Where a file takes
another's place and the first one comes back afterwards, the first one's maker has it again. What its maker
itself has let go may be another lane's lock later: links to one file, or one token that lanes move.

A flock, or a record lock, keeps out lanes that lock the same file. Once another file has the lock's
name, or none does, it keeps out no lane that comes by that name: a lane that has it then was robbed, and one
that gets it only then has a *hollow* lock. A library may notice that and start again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fence.locks import KINDS, LockFile
from fence.locks.kind import Keeper
from harness.gates.kernel.inode import Inode
from harness.model.history import LockEvent

__all__ = ["DIRECTORY", "WriteLock"]

#: The name of the session directory itself.
DIRECTORY: Final = "."
_NO_LANE: Final = -1


class WriteLock:
    """The write lock of one transcript, over a schedule.

    Args:
        lock: its kind and file.
        transcript: the transcript's name.

    Attributes:
        name: of its file.
        keepers: what excludes other lanes, see `fence.locks.kind.Keeper`: one.
        directories: names of locks that are directories.
        owner: lane that has the lock which keeps others out; -1 for none.
        robbed: lanes that had it and did not let it go themselves, or have a hollow one.
        sharers: lanes that have it in a mode that other lanes can have as well.
    """

    def __init__(self, lock: LockFile, transcript: str) -> None:
        record = KINDS[lock.kind]
        self.keepers = frozenset((record.keeper,))
        self.name = lock.beside(transcript) or transcript + record.suffix
        self.directories = frozenset((self.name,) if record.keeper == "directory" else ())
        self._kept = record.kept_by_kernel
        self._byte = lock.byte
        self.begin()

    def begin(self) -> None:
        """Start a schedule: there is no such file, and no lane has it."""
        self.owner = _NO_LANE
        self.robbed: set[int] = set()
        self.sharers: set[int] = set()
        self._file: Inode | None = None
        #: By file that has or had the name: the lane that made it as a lock, or has the flock on it.
        self._lanes: dict[Inode, int] = {}

    def byte_of(self, inode: Inode) -> int | None:
        """Return the byte of a file that the record lock is on; None for any range."""
        return self._byte if inode is self._file else None

    def found(self, names: Mapping[str, Inode]) -> None:
        """Take in the file that has the name before the first step, such as one that a process left."""
        if self._kept and self.name != DIRECTORY:
            self.named(_NO_LANE, names)
            return
        self._file = names.get(self.name)
        if self._file is not None:
            self._lanes[self._file] = _NO_LANE

    def named(self, lane: int, names: Mapping[str, Inode]) -> LockEvent | None:
        """Return what a step that may have changed names did to the lock.

        Args:
            lane: that moved.
            names: of the session directory, as they are now.
        """
        before, after = self._file, names.get(self.name)
        if after is before or self.name == DIRECTORY:
            return None
        self._file = after
        if self._kept:
            return self._replaced(lane, before, after)
        if before is not None and self.owner == lane:
            self._lanes.pop(before, None)
        if after is None:
            return self._removed(lane)
        return self._made(lane, before, after)

    # Locks that are held by being there

    def _removed(self, lane: int) -> LockEvent:
        owner, self.owner = self.owner, _NO_LANE
        if owner == lane:
            return LockEvent("released")
        self.robbed.add(owner)
        return LockEvent("reclaimed", owner)

    def _made(self, lane: int, before: Inode | None, after: Inode) -> LockEvent:
        maker = self._lanes.setdefault(after, lane)
        owner, self.owner = self.owner, maker
        self.robbed.discard(maker)
        if owner not in (_NO_LANE, maker):
            self.robbed.add(owner)
        if maker != lane:
            return LockEvent("returned", maker)
        return LockEvent("acquired", owner if before is not None else _NO_LANE)

    # Locks that are held by flock, or by a record lock

    def _replaced(self, lane: int, before: Inode | None, after: Inode | None) -> LockEvent | None:
        if after is not None:
            self._lanes.setdefault(after, _NO_LANE)
        holder = self._lanes[before] if before is not None else _NO_LANE
        if before is None or holder == _NO_LANE:
            return None
        self.owner = _NO_LANE
        if holder == lane:
            # The end of its own lock, whenever it unlocks the file that no lane can find any more.
            self._lanes[before] = _NO_LANE
            return LockEvent("released")
        self.robbed.add(holder)
        return LockEvent("reclaimed", holder)

    def flocked(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane got the exclusive flock on a file, or its process the record lock."""
        if keeper not in self.keepers or inode not in self._lanes:
            return None
        self._lanes[inode] = lane
        if inode is not self._file:
            self.robbed.add(lane)
            return LockEvent("hollow")
        self.owner = lane
        self.robbed.discard(lane)
        self.sharers.discard(lane)
        return LockEvent("acquired")

    def shared(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane got the lock on a file in shared mode, or has it in that mode from now on."""
        if keeper not in self.keepers or inode not in self._lanes or inode is not self._file:
            return None
        if self._lanes[inode] == lane:
            self._lanes[inode] = self.owner = _NO_LANE
        self.sharers.add(lane)
        return LockEvent("shared")

    def unshared(self, lane: int, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that a lane gave up the lock that it had in shared mode."""
        if keeper not in self.keepers or inode not in self._lanes or lane not in self.sharers:
            return None
        self.sharers.discard(lane)
        return LockEvent("released")

    def unflocked(self, inode: Inode, keeper: Keeper) -> LockEvent | None:
        """Take in that no lane has it any more."""
        lane = self._lanes.get(inode, _NO_LANE)
        if keeper not in self.keepers or lane == _NO_LANE:
            return None
        self._lanes[inode] = _NO_LANE
        if self.owner == lane:
            self.owner = _NO_LANE
        return LockEvent("released")
