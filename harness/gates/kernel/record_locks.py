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
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class RecordLocks:
    """Record locks on the files of one session directory."""

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        self._pids: dict[Inode, int] = {}
        #: Holders of locks of open file descriptions: process id and descriptor.
        self._descriptions: dict[Inode, tuple[int, int]] = {}

    def begin(self) -> None:
        """Start a schedule in which no record lock is held."""
        self._pids.clear()
        self._descriptions.clear()

    def must_wait(self, pending: PendingSyscall) -> bool:
        """Return whether a call would sleep until another process or description gives a lock back.

        It is not let into the kernel then: it would get the lock in the midst of another lane's step.
        """
        if pending.inode is None or pending.call.kind != "lock" or pending.args[1] not in _SLEEPING:
            return False
        wanted = pending.process.memory.read(pending.args[2], _FLOCK.size)
        if len(wanted) != _FLOCK.size or _FLOCK.unpack(wanted)[0] == fcntl.F_UNLCK:
            return False
        mine = (pending.process.pid, signed(pending.args[0]))
        if self._descriptions.get(pending.inode) == mine:
            return False
        holder = _holder(f"/proc/{mine[0]}/fd/{mine[1]}", wanted)
        return holder != 0 and (pending.args[1] != fcntl.F_SETLKW or holder != mine[0])

    def after(self, lane: Lane, pending: PendingSyscall) -> LockEvent | None:
        """Return what an fcntl did to the write lock, right after it returned."""
        lock, inode, pid = self._files.lock, pending.inode, pending.process.pid
        if lock.keeper != "record" or inode is None:
            return None
        if pending.args[1] in _SETTING_OFD:
            return self._after_ofd(lane, pending, inode)
        if pending.args[1] not in _SETTING:
            return None
        holder = _holder(f"/proc/{pid}/fd/{signed(pending.args[0])}")
        if holder == pid:
            self._pids[inode] = pid
            return lock.flocked(lane.index, inode)
        return self._gone(pid, inode)

    def _after_ofd(self, lane: Lane, pending: PendingSyscall, inode: Inode) -> LockEvent | None:
        """Tell from the lock's holder whether the call took it, gave it back, or failed."""
        mine = (pending.process.pid, signed(pending.args[0]))
        held = self._descriptions.get(inode)
        if _holder(f"/proc/{mine[0]}/fd/{mine[1]}") != _OFD_PID:
            return self._description_gone(inode)
        if held is not None and held != mine:
            return None
        self._descriptions[inode] = mine
        return self._files.lock.flocked(lane.index, inode) if held is None else None

    def _description_gone(self, inode: Inode) -> LockEvent | None:
        return None if self._descriptions.pop(inode, None) is None else self._files.lock.unflocked(inode)

    def release(self, pending: PendingSyscall, inode: Inode | None) -> LockEvent | None:
        """Take in that a process closes a descriptor, and with it all its record locks on that file."""
        if inode is None:
            return None
        if (pending.process.pid, signed(pending.args[0])) == self._descriptions.get(inode):
            return self._description_gone(inode)
        return self._gone(pending.process.pid, inode) if self._pids else None

    def _gone(self, pid: int, inode: Inode) -> LockEvent | None:
        if self._pids.get(inode) != pid:
            return None
        del self._pids[inode]
        return self._files.lock.unflocked(inode)


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
