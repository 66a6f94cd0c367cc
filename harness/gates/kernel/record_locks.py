"""Record locks (fcntl) on the write lock's file: who has one is asked of the kernel.

Unlike an flock one cannot be taken for a lane, for it belongs to the process that asks. So the
call runs, and right afterwards the kernel is asked which process has the lock.
"""

from __future__ import annotations

import fcntl
import os
import struct

from harness.gates.kernel.lane import Lane, PendingSyscall
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.virtual_files import Node, VirtualFiles
from harness.model.history import LockEvent

__all__ = ["RecordLocks"]

_SETTING = frozenset({fcntl.F_SETLK, fcntl.F_SETLKW})
_FLOCK = struct.Struct("@hhqqi4x")
_WHOLE_FILE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class RecordLocks:
    """Record locks in one world."""

    def __init__(self, world: VirtualFiles) -> None:
        self._world = world
        self._pids: dict[Node, int] = {}

    def begin(self) -> None:
        """Start a schedule: nobody has one."""
        self._pids.clear()

    def after(self, lane: Lane, stand: PendingSyscall) -> LockEvent | None:
        """Take down what an fcntl did to the write lock, right after it returned."""
        lock, node, pid = self._world.lock, stand.node, stand.space.pid
        if lock.keeper != "record" or node is None or stand.args[1] not in _SETTING:
            return None
        holder = _holder(f"/proc/{pid}/fd/{signed(stand.args[0])}")
        if holder == pid:
            self._pids[node] = pid
            return lock.flocked(lane.index, node)
        return self._gone(pid, node)

    def closed(self, stand: PendingSyscall, node: Node | None) -> LockEvent | None:
        """A process closes a descriptor, and with it all its record locks on that file."""
        return self._gone(stand.space.pid, node) if node is not None and self._pids else None

    def _gone(self, pid: int, node: Node) -> LockEvent | None:
        if self._pids.get(node) != pid:
            return None
        del self._pids[node]
        return self._world.lock.unflocked(node)


def _holder(path: str) -> int:
    """Process id of who has a write lock on a file; 0 for nobody, or where that cannot be known."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, _WHOLE_FILE))
    finally:
        os.close(fd)
    return 0 if kind == fcntl.F_UNLCK else int(pid)
