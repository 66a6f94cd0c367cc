"""Record locks (fcntl) on the write lock's file, whose holder the kernel is asked for.

Unlike an flock one cannot be taken for a lane, for it belongs to the process that asks. So the
call runs, and right afterwards the kernel is asked which process has the lock.
"""

from __future__ import annotations

import fcntl
import os
import struct

from harness.gates.kernel.inode import Inode
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.history import LockEvent

__all__ = ["RecordLocks"]

_SETTING = frozenset({fcntl.F_SETLK, fcntl.F_SETLKW})
#: F_OFD_SETLK and F_OFD_SETLKW: the lock belongs to the open file description, as an flock does.
_SETTING_OFD = frozenset({37, 38})
#: The process id that the kernel gives for such a lock.
_OFD_PID = -1
#: Calls that sleep in the kernel until the lock is free.
_SLEEPING = frozenset({fcntl.F_SETLKW, 38})
_FLOCK = struct.Struct("@hhqqi4x")
#: No lock: the kinds of the fields of `_FLOCK`.
_NOTHING = (fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0)
#: Behind the last byte that a range can have.
_END = 1 << 63
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class RecordLocks:
    """Record locks on the files of one session directory."""

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        self._pids: dict[Inode, int] = {}
        #: Holders of locks of open file descriptions: process id and descriptor.
        self._descriptions: dict[Inode, tuple[int, int]] = {}
        #: Lanes that share a lock, by process id or by process id and descriptor.
        self._sharers: dict[Inode, dict[object, int]] = {}
        self._wants_shared = False
        #: The last call's lock: kind, what its start counts from, start, length (0: to the end), process.
        self._wanted: tuple[int, ...] = _NOTHING
        #: Ranges (start, length) that are locked, by file and holder: a process, or one and a descriptor.
        self._ranges: dict[Inode, dict[object, set[tuple[int, int]]]] = {}

    def begin(self) -> None:
        """Start a schedule in which no record lock is held."""
        self._pids.clear()
        self._descriptions.clear()
        self._sharers.clear()
        self._ranges.clear()

    def before(self, pending: PendingSyscall) -> None:
        """Note what kind of lock a call asks for: its memory may be reused once it has returned."""
        wanted = pending.process.memory.read(pending.args[2], _FLOCK.size)
        self._wanted = _FLOCK.unpack(wanted) if len(wanted) == _FLOCK.size else _NOTHING
        self._wants_shared = pending.args[1] in _SETTING | _SETTING_OFD and self._wanted[0] == fcntl.F_RDLCK

    def takes(self, pending: PendingSyscall) -> bool:
        """Return whether a call asks for a lock."""
        if pending.args[1] not in _SETTING | _SETTING_OFD:
            return False
        return _is_lock(self.wanted(pending))

    def sets(self, pending: PendingSyscall) -> bool:
        """Return whether a call asks for a lock or lets one go."""
        return pending.args[1] in _SETTING | _SETTING_OFD

    def wanted(self, pending: PendingSyscall) -> bytes:
        """Return the lock that a call asks for, as fcntl takes it."""
        return pending.process.memory.read(pending.args[2], _FLOCK.size)

    def must_wait(self, pending: PendingSyscall) -> bool:
        """Return whether a call would sleep until another process or description gives a lock back.

        It is not let into the kernel then: it would get the lock in the midst of another lane's step.
        """
        if pending.inode is None or pending.call.kind != "lock" or pending.args[1] not in _SLEEPING:
            return False
        wanted = self.wanted(pending)
        path = f"/proc/{pending.process.pid}/fd/{signed(pending.args[0])}"
        return _is_lock(wanted) and self._is_taken(pending, wanted, path)

    def is_taken(self, pending: PendingSyscall, wanted: bytes) -> bool:
        """Return whether another process or description has a lock that a call asks, or has asked, for.

        Args:
            pending: the call; its process may be gone.
            wanted: the lock.
        """
        inode = pending.inode
        if inode is None or not inode.names:
            return False
        return self._is_taken(pending, wanted, os.path.join(self._files.directory, min(inode.names)))

    def _is_taken(self, pending: PendingSyscall, wanted: bytes, path: str) -> bool:
        mine = (pending.process.pid, signed(pending.args[0]))
        assert pending.inode is not None
        if self._descriptions.get(pending.inode) == mine:
            return False
        holder = _holder(path, wanted)
        return holder != 0 and (pending.args[1] in _SETTING_OFD or holder != mine[0])

    def after(self, lane: Lane, pending: PendingSyscall) -> LockEvent | None:
        """Return what an fcntl did to the write lock, right after it returned."""
        lock, inode, pid = self._files.lock, pending.inode, pending.process.pid
        if "record" not in lock.keepers or inode is None:
            return None
        fd = signed(pending.args[0])
        path = f"/proc/{pid}/fd/{fd}"
        key: object = (pid, fd) if pending.args[1] in _SETTING_OFD else pid
        byte = lock.byte_of(inode)
        if byte is not None:
            if pending.args[1] in _SETTING | _SETTING_OFD and not self._covers(byte):
                # The kernel's answer about the byte is what it was.
                return None
        elif pending.args[1] in _SETTING | _SETTING_OFD and self._several(inode, key, path):
            return LockEvent("several")
        whole = _WHOLE_FILE if byte is None else _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        if self._wants_shared and _is_shared(path, whole):
            self._forget(pid, fd, inode)
            self._sharers.setdefault(inode, {})[key] = lane.index
            return lock.shared(lane.index, inode, "record")
        event = self._no_longer_shared(inode, key)
        if pending.args[1] in _SETTING_OFD:
            return self._after_ofd(lane, pending, inode, whole) or event
        if pending.args[1] not in _SETTING:
            return None
        holder = 0 if event is not None and _is_shared(path, whole) else _holder(path, whole)
        if holder == pid:
            self._pids[inode] = pid
            return lock.flocked(lane.index, inode, "record")
        return self._gone(pid, inode) or event

    def _covers(self, byte: int) -> bool:
        """Return whether the last call was about a byte; so is one that does not count from the start."""
        _, whence, start, length, _ = self._wanted
        return whence != os.SEEK_SET or start <= byte < start + (length or byte + 1)

    def _several(self, inode: Inode, key: object, path: str) -> bool:
        """Take in the range of the last call; return whether it cannot be told which one is the write lock.

        That is where holders have locks on several ranges at once, and one of them on more than one.
        """
        kind, whence, start, length, _ = self._wanted
        if whence != os.SEEK_SET:
            return False
        holders = self._ranges.setdefault(inode, {})
        mine = holders.setdefault(key, set())
        if kind == fcntl.F_UNLCK:
            end = start + length if length else _END
            mine -= {one for one in mine if start <= one[0] and (one[0] + one[1] if one[1] else _END) <= end}
        elif _holder(path, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)):
            mine.add((start, length))
        if not mine:
            del holders[key]
        others = [ranges for holder, ranges in holders.items() if holder != key]
        return any(ranges != mine and max(len(ranges), len(mine)) > 1 for ranges in others) and bool(mine)

    def _forget(self, pid: int, fd: int, inode: Inode) -> None:
        """Drop a holder that keeps its lock in shared mode."""
        if self._pids.get(inode) == pid:
            del self._pids[inode]
        if self._descriptions.get(inode) == (pid, fd):
            del self._descriptions[inode]

    def _no_longer_shared(self, inode: Inode, key: object) -> LockEvent | None:
        lane = self._sharers.get(inode, {}).pop(key, None)
        return None if lane is None else self._files.lock.unshared(lane, inode, "record")

    def _after_ofd(self, lane: Lane, pending: PendingSyscall, inode: Inode, whole: bytes) -> LockEvent | None:
        """Tell from the lock's holder whether the call took it, gave it back, or failed."""
        mine = (pending.process.pid, signed(pending.args[0]))
        held = self._descriptions.get(inode)
        if _holder(f"/proc/{mine[0]}/fd/{mine[1]}", whole) != _OFD_PID:
            return self._description_gone(inode)
        if held is not None and held != mine:
            return None
        self._descriptions[inode] = mine
        return self._files.lock.flocked(lane.index, inode, "record") if held is None else None

    def _description_gone(self, inode: Inode) -> LockEvent | None:
        if self._descriptions.pop(inode, None) is None:
            return None
        return self._files.lock.unflocked(inode, "record")

    def release(self, pending: PendingSyscall, inode: Inode | None) -> LockEvent | None:
        """Take in that a process closes a descriptor, and with it all its record locks on that file."""
        if inode is not None and inode in self._ranges:
            fd = signed(pending.args[0])
            for key in (pending.process.pid, (pending.process.pid, fd)):
                self._ranges[inode].pop(key, None)
        if inode is None or not (self._pids or self._descriptions or self._sharers):
            return None
        if inode in self._sharers:
            event = None
            for key in (pending.process.pid, (pending.process.pid, signed(pending.args[0]))):
                event = self._no_longer_shared(inode, key) or event
            if event is not None:
                return event
        if (pending.process.pid, signed(pending.args[0])) == self._descriptions.get(inode):
            return self._description_gone(inode)
        return self._gone(pending.process.pid, inode) if self._pids else None

    def _gone(self, pid: int, inode: Inode) -> LockEvent | None:
        if self._pids.get(inode) != pid:
            return None
        del self._pids[inode]
        return self._files.lock.unflocked(inode, "record")


def _is_lock(wanted: bytes) -> bool:
    """Return whether the argument of an fcntl asks for a lock, and does not let one go."""
    return len(wanted) == _FLOCK.size and bool(_FLOCK.unpack(wanted)[0] != fcntl.F_UNLCK)


def _is_shared(path: str, wanted: bytes) -> bool:
    """Return whether lanes have a lock on a file, and all of them in shared mode.

    Args:
        path: of the file.
        wanted: the lock that would conflict with theirs, as fcntl takes it.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        kind = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, wanted))[0]
    finally:
        os.close(fd)
    return bool(kind == fcntl.F_RDLCK)


def _holder(path: str, wanted: bytes = _WHOLE_FILE) -> int:
    """Return the process id of the holder of a lock on a file; 0 for none, or where it is not known.

    Args:
        path: of the file.
        wanted: the lock that would conflict with it, as fcntl takes it.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, wanted))
    finally:
        os.close(fd)
    return 0 if kind == fcntl.F_UNLCK else int(pid)
