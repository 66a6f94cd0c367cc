"""flock, asked by the supervisor on the lane's behalf.

The lock belongs to the open file description, so a copy of the lane's descriptor
takes it for the lane. Nobody is ever blocked in the kernel: who would have to
wait is not ready until somebody lets go.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Status
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.virtual_files import Node, VirtualFiles
from harness.model.history import LockEvent

if TYPE_CHECKING:
    from harness.gates.kernel.tracee import TraceeThread

__all__ = ["Flocks"]

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


class Flocks:
    """Waiting for flocks in one world.

    Who holds what is kept here, so that a lane that would have to wait is not even a
    candidate. The kernel has the last word: what it refuses waits all the same, and
    before a schedule is called stuck everybody who waits is asked again.
    """

    def __init__(self, world: VirtualFiles) -> None:
        self._world = world
        self._held: dict[Node, dict[tuple[int, int], int]] = {}
        #: Somebody waits for one, or no longer does, since this was last cleared.
        self.woken = False
        #: Who else may wait: tasks that act for lanes.
        self.others: Callable[[], Iterable[TraceeThread]] = tuple

    def begin(self) -> None:
        """Start a schedule: nobody holds anything."""
        self._held.clear()

    def must_wait(self, stand: PendingSyscall) -> bool:
        """Whether the flock call before which somebody stands would have to wait."""
        node = stand.node
        operation = stand.args[1]
        if node is None or operation & (fcntl.LOCK_NB | fcntl.LOCK_UN) or node not in self._held:
            return False
        alone = operation & fcntl.LOCK_EX
        mine = (stand.space.pid, signed(stand.args[0]))
        return any(alone or mode == fcntl.LOCK_EX for who, mode in self._held[node].items() if who != mine)

    def holds(self, space: Process, node: Node, fd: int) -> bool:
        """Whether a process has a lock on a file by one of its descriptors."""
        return (space.pid, fd) in self._held.get(node, ())

    def take(self, lane: Lane, stand: PendingSyscall) -> tuple[int | None, LockEvent | None]:
        """Carry out the flock call before which a lane stands.

        Returns:
            The errno to answer (0 for success; None when the lane has to wait), and
            what it did to the write lock.
        """
        fd, operation = signed(stand.args[0]), signed(stand.args[1])
        copy = _libc.syscall(_PIDFD_GETFD, stand.space.pidfd, fd, 0)
        if copy < 0:
            return ctypes.get_errno(), None
        try:
            fcntl.flock(copy, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if operation & fcntl.LOCK_NB:
                # It waits for the lock, whatever name stood in its way before; the file may stay for good.
                lane.poll_name = None
                return errno.EWOULDBLOCK, None
            self.woken = True
            return None, LockEvent("blocked")
        except OSError as error:
            return error.errno or errno.EIO, None
        finally:
            os.close(copy)
        if operation & fcntl.LOCK_UN:
            return 0, self.dropped(stand.space, stand.node, fd)
        return 0, self._got(lane, stand, operation)

    def _got(self, lane: Lane, stand: PendingSyscall, operation: int) -> LockEvent | None:
        node = stand.node
        if node is None:
            return None
        mode = fcntl.LOCK_EX if operation & fcntl.LOCK_EX else fcntl.LOCK_SH
        self._held.setdefault(node, {})[stand.space.pid, signed(stand.args[0])] = mode
        lock = self._world.lock
        return lock.flocked(lane.index, node) if mode == fcntl.LOCK_EX and lock.keeper == "flock" else None

    def dropped(self, space: Process, node: Node | None, fd: int) -> LockEvent | None:
        """A process unlocked or closed a descriptor."""
        world = self._world
        holders = self._held.get(node) if node is not None else None
        if node is None or holders is None or (world.copied and self._still_taken(node)):
            return None
        for holder in [holder for holder in holders if holder == (space.pid, fd) or world.copied]:
            del holders[holder]
        if holders:
            return None
        del self._held[node]
        return world.lock.unflocked(node) if world.lock.keeper == "flock" else None

    def left(self) -> tuple[list[Node], LockEvent | None]:
        """A process is gone, and its descriptors with it: which files nobody has locked any more.

        Returns:
            Those files, and what that did to the write lock.
        """
        world = self._world
        free = [node for node in self._held if not self._still_taken(node)]
        event = None
        for node in free:
            del self._held[node]
            if world.lock.keeper == "flock":
                event = world.lock.unflocked(node) or event
        return free, event

    def _still_taken(self, node: Node) -> bool:
        """Ask the kernel: a copy of the descriptor may hold the lock after the first one is closed."""
        if not node.names:
            return False
        fd = os.open(os.path.join(self._world.directory, min(node.names)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def wake(self, lanes: list[Lane], node: Node | None) -> None:
        """After an unlock or a close: whoever waits for this file may try again."""
        for lane in lanes:
            if lane.status is Status.FLOCK and lane.stand.node is node:
                lane.status = Status.FILE
                self.woken = True
        for task in self.others():
            if task.status is Status.FLOCK and task.stand.node is node:
                task.status = Status.FILE
                self.woken = True
