"""flock, asked by the supervisor on the lane's behalf.

The lock belongs to the open file description, so a copy of the lane's descriptor
takes it for the lane. No lane is ever blocked in the kernel: one that would have to
wait is not ready until the lock is released.
"""

from __future__ import annotations

import errno
import fcntl
import os

from harness.gates.kernel.inode import Inode
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.history import LockEvent
from harness.system.descriptors import copy_of

__all__ = ["Flocks"]


class Flocks:
    """Flocks on the files of one session directory.

    The holders are kept here, so that a lane that would have to wait is not even a
    candidate. The kernel has the last word: a lane that it refuses waits all the same, and
    before a schedule is called stuck every waiting lane asks it again.

    Attributes:
        waited_for: a task has waited for one in this schedule.
        waiters_changed: a task waits for a flock, or no longer does, since the last acknowledgement.
    """

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        #: By file and holder, a process id and a descriptor: the mode and the lane.
        self._held: dict[Inode, dict[tuple[int, int], tuple[int, int]]] = {}
        self.waited_for = self.waiters_changed = False

    def begin(self) -> None:
        """Start a schedule in which no flock is held."""
        self._held.clear()
        self.waited_for = False

    def note_waiter(self) -> None:
        """Note that a task waits for a flock before it is shown."""
        self.waited_for = True

    def note_waiters(self) -> None:
        """Note that a task waits for a flock, or no longer does."""
        self.waited_for = self.waiters_changed = True

    def acknowledge_waiters(self) -> None:
        """Note that lanes are shown as the flocks are now."""
        self.waiters_changed = False

    def must_wait(self, pending: PendingSyscall) -> bool:
        """Return whether a pending flock call would have to wait."""
        return not pending.args[1] & (fcntl.LOCK_NB | fcntl.LOCK_UN) and self.is_taken(pending)

    def is_taken(self, pending: PendingSyscall) -> bool:
        """Return whether another holder has the lock that a pending flock call asks for."""
        inode = pending.inode
        if inode is None or inode not in self._held:
            return False
        alone = pending.args[1] & fcntl.LOCK_EX
        mine = (pending.process.pid, signed(pending.args[0]))
        return any(
            alone or mode == fcntl.LOCK_EX
            for holder, (mode, _) in self._held[inode].items()
            if holder != mine
        )

    def holds(self, process: Process, inode: Inode, fd: int) -> bool:
        """Return whether a process has a lock on a file by one of its descriptors."""
        return (process.pid, fd) in self._held.get(inode, ())

    def holders(self, inode: Inode | None) -> list[int]:
        """Return the lanes that have a lock on a file."""
        held = self._held.get(inode, {}) if inode is not None else {}
        return sorted({lane for _, lane in held.values()})

    def acquire(self, lane: Lane, pending: PendingSyscall) -> tuple[int | None, LockEvent | None]:
        """Carry out the flock call before which a lane is stopped.

        Returns:
            The errno to answer (0 for success; None when the lane has to wait), and
            what it did to the write lock.
        """
        fd, operation = signed(pending.args[0]), signed(pending.args[1])
        try:
            copy = copy_of(pending.process.pidfd, fd)
        except OSError as error:
            return error.errno or errno.EIO, None
        try:
            fcntl.flock(copy, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            # The kernel removes the lock that the descriptor had before it tries for another mode.
            lost = self.release(pending.process, pending.inode, fd)
            if operation & fcntl.LOCK_NB:
                # It waits for the lock, and no more for a name in its way; the file may stay for good.
                lane.stop_polling()
                return errno.EWOULDBLOCK, lost
            self.note_waiters()
            return None, LockEvent("blocked")
        except OSError as error:
            return error.errno or errno.EIO, None
        finally:
            os.close(copy)
        if operation & fcntl.LOCK_UN:
            return 0, self.release(pending.process, pending.inode, fd)
        return 0, self._got(lane, pending, operation)

    def _got(self, lane: Lane, pending: PendingSyscall, operation: int) -> LockEvent | None:
        inode = pending.inode
        if inode is None:
            return None
        mode = fcntl.LOCK_EX if operation & fcntl.LOCK_EX else fcntl.LOCK_SH
        holders, mine = self._held.setdefault(inode, {}), (pending.process.pid, signed(pending.args[0]))
        holders[mine] = mode, lane.index
        lock = self._files.lock
        return (lock.flocked if mode == fcntl.LOCK_EX else lock.shared)(lane.index, inode, "flock")

    def release(self, process: Process, inode: Inode | None, fd: int) -> LockEvent | None:
        """Take in that a process unlocked or closed a descriptor; return what that did to the write lock."""
        files = self._files
        holders = self._held.get(inode) if inode is not None else None
        if inode is None or holders is None or (files.copied and self._still_taken(inode)):
            return None
        event = None
        for holder in [holder for holder in holders if holder == (process.pid, fd) or files.copied]:
            event = self._let_go(inode, *holders.pop(holder)) or event
        if not holders:
            del self._held[inode]
        return event

    def _let_go(self, inode: Inode, mode: int, lane: int) -> LockEvent | None:
        lock = self._files.lock
        if mode == fcntl.LOCK_EX:
            return lock.unflocked(inode, "flock")
        return lock.unshared(lane, inode, "flock")

    def release_of_ended(self) -> tuple[list[Inode], LockEvent | None]:
        """Take in that a process is gone, and its descriptors with it.

        Returns:
            The files that no process has locked any more, and what that did to the write lock.
        """
        free = [inode for inode in self._held if not self._still_taken(inode)]
        event = None
        for inode in free:
            for mode, lane in self._held.pop(inode).values():
                event = self._let_go(inode, mode, lane) or event
        return free, event

    def _still_taken(self, inode: Inode) -> bool:
        """Ask the kernel whether a file is locked.

        A copy of the descriptor may hold the lock after the first one is closed.
        """
        if not inode.names:
            return False
        fd = os.open(os.path.join(self._files.directory, min(inode.names)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False
