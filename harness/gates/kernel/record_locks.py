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
_FLOCK = struct.Struct("@hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class RecordLocks:
    """Record locks on the files of one session directory."""

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        self._pids: dict[Inode, int] = {}

    def begin(self) -> None:
        """Start a schedule in which no record lock is held."""
        self._pids.clear()

    def after(self, lane: Lane, pending: PendingSyscall) -> LockEvent | None:
        """Return what an fcntl did to the write lock, right after it returned."""
        lock, inode, pid = self._files.lock, pending.inode, pending.process.pid
        if lock.keeper != "record" or inode is None or pending.args[1] not in _SETTING:
            return None
        holder = _holder(f"/proc/{pid}/fd/{signed(pending.args[0])}")
        if holder == pid:
            self._pids[inode] = pid
            return lock.flocked(lane.index, inode)
        return self._gone(pid, inode)

    def release(self, pending: PendingSyscall, inode: Inode | None) -> LockEvent | None:
        """Take in that a process closes a descriptor, and with it all its record locks on that file."""
        return self._gone(pending.process.pid, inode) if inode is not None and self._pids else None

    def _gone(self, pid: int, inode: Inode) -> LockEvent | None:
        if self._pids.get(inode) != pid:
            return None
        del self._pids[inode]
        return self._files.lock.unflocked(inode)


def _holder(path: str) -> int:
    """Return the process id of the holder of a write lock on a file; 0 for none, or where it is not known."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, _WHOLE_FILE))
    finally:
        os.close(fd)
    return 0 if kind == fcntl.F_UNLCK else int(pid)
