"""Calls that are about no file: a lane of ours that waits, sleep, randomness, tasks, descriptors.

They are no steps, but for a dup2 or its like that closes one of the session's files.
"""

from __future__ import annotations

import errno
import hashlib
import struct
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from harness.gates.kernel import linux_abi
from harness.gates.kernel.effect_recorder import replaced
from harness.gates.kernel.eventfd import OCCUPIED, grant, is_reserved
from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Status, Worker, answer
from harness.gates.kernel.path_resolution import descriptor, signed
from harness.gates.kernel.syscall_table import CALLS
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.stop_reasons import ANSWERED, ASK, IDLE, PAUSE, SERVE, SLEEP, THINK, TURN

if TYPE_CHECKING:
    from harness.gates.kernel.notifications import Notifications
    from harness.gates.kernel.tracee import TraceeProcess, TraceeThread

__all__ = ["Handler", "SyscallHandlers"]

_ABSOLUTE_TIME = 1
_CLONE_THREAD = 0x10000
_CLONE_VFORK = 0x4000
_DUPFD = (0, 1030)
_MS = 1_000_000
_SECOND = 1_000_000_000
_TIMESPEC = struct.Struct("=2q")

Handler = Callable[[Any, int, PendingSyscall], None]


class SyscallHandlers:
    """Answers them for all workers of one gate.

    Args:
        intake: leaves lanes standing, keeps time and doubts.
        world: tells what is inside.
        lanes: by index.
    """

    def __init__(self, intake: Notifications, world: VirtualFiles, lanes: list[Lane]) -> None:
        self._intake = intake
        self._world = world
        self._lanes = lanes
        self._drawn = 0
        kinds: dict[str, Handler] = {
            "park": self._park,
            "sleep": self._sleep,
            "random": self._random,
            "task": self._task,
            "event": self._event,
            "table": self._table,
            "wake": self._continue,
            "reap": self._continue,
        }
        #: What answers a call, by its name: called with the process, the task and the stand.
        self.by_name = {call.name: kinds[call.kind] for call in CALLS.values() if call.kind in kinds}
        self.by_name["fcntl"] = self._fcntl
        self.by_name["kill"] = self._kill

    def begin(self) -> None:
        """Start a schedule."""
        self._drawn = 0

    def _park(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        why, index, value = stand.args[0], stand.args[1], stand.args[2]
        if not isinstance(worker, Worker):
            # A child that was forked from a lane, and plays its part.
            answer(worker, stand.trap_id)
            return
        if why in (SERVE, ASK, ANSWERED):
            self._intake.crowd.family.told(worker, worker.by_tid.get(tid), why, index, value)
            answer(worker, stand.trap_id)
            return
        if not any(lane.index == index for lane in worker.lanes):
            answer(worker, stand.trap_id)
            return
        lane = self._lanes[index]
        worker.by_tid[tid] = lane
        if why == IDLE:
            # A worker that has just been started waits for its first program.
            self._intake.stop(lane, stand, Status.DONE)
        elif why == THINK:
            lane.think_left = value
            self._intake.stop(lane, stand, Status.THINK)
        elif why == TURN:
            lane.poll_name = None
            self._intake.stop(lane, stand, Status.TURN)
        else:
            assert why in (SLEEP, PAUSE)
            if why == PAUSE:
                lane.poll_name = None
            self._lie_down(lane, stand, value)

    def _lie_down(self, lane: Lane | TraceeThread, stand: PendingSyscall, duration_ns: int) -> None:
        lane.wake_ns = min(self._intake.now_ns + duration_ns, FOREVER_NS)
        self._intake.stop(lane, stand, Status.SLEEP)

    def _sleep(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        lane = worker.by_tid.get(tid)
        if lane is None:
            answer(worker, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
            return
        plain = stand.call.name == "nanosleep"
        data = worker.memory.read(stand.args[0 if plain else 2], _TIMESPEC.size)
        seconds, rest = _TIMESPEC.unpack(data) if len(data) == _TIMESPEC.size else (-1, 0)
        # Fails for a clock that does not exist, and then the kernel says so.
        clock_ns = 0 if plain else time.clock_gettime_ns(signed(stand.args[0]))
        if seconds < 0 or not 0 <= rest < _SECOND:
            answer(worker, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
            return
        duration = seconds * _SECOND + rest
        if not plain and stand.args[1] & _ABSOLUTE_TIME:
            # Python code has the virtual clock, the C library the real one: whichever it is near to.
            real = duration - clock_ns
            virtual = duration - self._intake.now_ns
            # The real clock moved between the caller's look and ours.
            duration = virtual if abs(virtual) < abs(real) else -(-real // _MS) * _MS
        self._lie_down(lane, stand, max(0, duration))

    @staticmethod
    def _event(space: Worker | TraceeProcess, tid: int, stand: PendingSyscall) -> None:
        if isinstance(space, Worker) or not grant(space, stand):
            answer(space, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)

    def _random(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        length = min(stand.args[1], 1 << 16)
        self._drawn += 1
        data = hashlib.shake_128(b"harness random %d" % self._drawn).digest(length)
        worker.memory.write(stand.args[0], data)
        answer(worker, stand.trap_id, length)

    def _task(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        # New tasks are under the same filter and listener; whatever they do comes by `take`.
        if stand.call.name in ("execve", "execveat"):
            self._intake.crowd.family.becomes(worker)
        else:
            flags = self._clone_flags(worker, stand)
            if flags & _CLONE_THREAD:
                self._intake.crowd.family.threads(worker)
            else:
                self._intake.crowd.family.forks(worker, tid, bool(flags & _CLONE_VFORK))
        answer(worker, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)

    @staticmethod
    def _clone_flags(worker: Process, stand: PendingSyscall) -> int:
        name = stand.call.name
        if name == "clone":
            return stand.args[0]
        if name == "clone3":
            return int.from_bytes(worker.memory.read(stand.args[0], 8), "little")
        return _CLONE_VFORK if name == "vfork" else 0

    @staticmethod
    def _continue(worker: Process, tid: int, stand: PendingSyscall) -> None:
        answer(worker, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)

    def _kill(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        """A signal, or a look whether a process lives."""
        namespaces, pid = self._intake.namespaces, signed(stand.args[0])
        if namespaces.several and namespaces.hides(worker, pid):
            answer(worker, stand.trap_id, error=-errno.ESRCH)
        else:
            self._continue(worker, tid, stand)

    def _fcntl(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        """A copy of a descriptor, or a lock, which is a step."""
        if stand.args[1] in _DUPFD:
            self._table(worker, tid, stand)
        else:
            self._intake.file_call(worker, tid, stand)

    def _table(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        """dup and its like: a step where it closes one of the session's files, else answered at once."""
        self._world.copied = True
        lane = worker.by_tid.get(tid)
        if any(is_reserved(fd) for fd in _wanted(stand)):
            self._intake.doubt(OCCUPIED)
        nodes = [descriptor(self._world, worker, fd) for fd in replaced(worker, stand)]
        inside = [node for node in nodes if node is not None]
        if inside and lane is not None:
            stand.node = inside[0]
            self._intake.stop(lane, stand, Status.FILE)
            return
        for fd in replaced(worker, stand):
            worker.fds.pop(fd, None)
        answer(worker, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)


def _wanted(stand: PendingSyscall) -> list[int]:
    """The number that a copy of a descriptor is to have, or the least that it may have."""
    if stand.call.name in ("dup2", "dup3"):
        return [signed(stand.args[1])]
    return [signed(stand.args[2])] if stand.call.name == "fcntl" else []
