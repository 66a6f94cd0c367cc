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
from harness.gates.kernel.world import World
from harness.history import LockEvent

__all__ = ["Flocks"]

_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


class Flocks:
    """Waiting for flocks in one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def take(self, lane: Lane, stand: Stand) -> tuple[int | None, LockEvent | None]:
        """Carry out the flock call before which a lane stands.

        Returns:
            The errno to answer (0 for success; None when the lane has to wait), and
            what it did to the write lock.
        """
        assert lane.worker is not None
        world = self._world
        fd, operation = signed(stand.args[0]), signed(stand.args[1])
        guards = stand.node is not None and stand.node is world.names.get(world.lock_name)
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
        if not guards or world.lock_kind != "flock":
            return 0, None
        if operation & fcntl.LOCK_UN:
            lane.flock_fd = -1
            return 0, world.flock_released(lane.index)
        lane.flock_fd = fd
        return 0, world.flock_acquired(lane.index)

    def wake(self, lanes: list[Lane], stand: Stand) -> None:
        """After an unlock or a close: whoever waits for this file may try again."""
        for lane in lanes:
            if lane.status is Status.FLOCK and lane.stand.node is stand.node:
                lane.status = Status.FILE
