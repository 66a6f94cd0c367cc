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

from harness.gates.kernel.lane import Lane, Stand, Status
from harness.gates.kernel.resolve import signed
from harness.gates.kernel.world import Node, World
from harness.history import LockEvent

__all__ = ["Flocks"]

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


class Flocks:
    """Waiting for flocks in one world.

    Who holds what is kept here, so that a lane that would have to wait is not even a
    candidate. The kernel has the last word: what it refuses waits all the same, and
    before a schedule is called stuck everybody who waits is asked again.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._held: dict[Node, dict[tuple[int, int], int]] = {}

    def begin(self) -> None:
        """Start a schedule: nobody holds anything."""
        self._held.clear()

    def must_wait(self, lane: Lane, stand: Stand) -> bool:
        """Whether the flock call before which a lane stands would have to wait."""
        node = stand.node
        operation = stand.args[1]
        if node is None or operation & (fcntl.LOCK_NB | fcntl.LOCK_UN) or node not in self._held:
            return False
        alone = operation & fcntl.LOCK_EX
        mine = (lane.index, signed(stand.args[0]))
        return any(alone or mode == fcntl.LOCK_EX for who, mode in self._held[node].items() if who != mine)

    def holds(self, lane: Lane, node: Node, fd: int) -> bool:
        """Whether a lane has a lock on a file by one of its descriptors."""
        return (lane.index, fd) in self._held.get(node, ())

    def take(self, lane: Lane, stand: Stand) -> tuple[int | None, LockEvent | None]:
        """Carry out the flock call before which a lane stands.

        Returns:
            The errno to answer (0 for success; None when the lane has to wait), and
            what it did to the write lock.
        """
        assert lane.worker is not None
        fd, operation = signed(stand.args[0]), signed(stand.args[1])
        copy = _libc.syscall(_PIDFD_GETFD, lane.worker.pidfd, fd, 0)
        if copy < 0:
            return ctypes.get_errno(), None
        try:
            fcntl.flock(copy, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if operation & fcntl.LOCK_NB:
                return errno.EWOULDBLOCK, None
            return None, LockEvent("blocked")
        except OSError as error:
            return error.errno or errno.EIO, None
        finally:
            os.close(copy)
        if operation & fcntl.LOCK_UN:
            return 0, self.dropped(lane, stand.node, fd)
        return 0, self._got(lane, stand.node, fd, operation)

    def _got(self, lane: Lane, node: Node | None, fd: int, operation: int) -> LockEvent | None:
        if node is None:
            return None
        mode = fcntl.LOCK_EX if operation & fcntl.LOCK_EX else fcntl.LOCK_SH
        self._held.setdefault(node, {})[lane.index, fd] = mode
        world = self._world
        if world.lock_kind == "flock" and mode == fcntl.LOCK_EX and node is world.names.get(world.lock_name):
            return world.flock_acquired(lane.index)
        return None

    def dropped(self, lane: Lane, node: Node | None, fd: int) -> LockEvent | None:
        """A lane unlocked or closed a descriptor."""
        world = self._world
        holders = self._held.get(node) if node is not None else None
        if node is None or holders is None or (world.copied and self._still_taken(node)):
            return None
        for holder in [holder for holder in holders if holder == (lane.index, fd) or world.copied]:
            del holders[holder]
        if holders:
            return None
        del self._held[node]
        guards = world.lock_kind == "flock" and node is world.names.get(world.lock_name)
        return world.flock_released(world.owner) if guards and world.owner >= 0 else None

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
