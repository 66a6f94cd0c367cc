"""Taking notices off a listener: who stopped, where, and whether it matters.

A call outside the session directory is answered here at once; anything else
leaves its lane standing with a `Stand` that says what it is about.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import select
import signal
import time
from collections.abc import Callable

from harness.gates.kernel import abi, tasks
from harness.gates.kernel.border import crosses, forbidden_outside, leads_out
from harness.gates.kernel.calls import CALLS
from harness.gates.kernel.lane import Lane, Stand, Status, Worker
from harness.gates.kernel.memory import Memory
from harness.gates.kernel.resolve import descriptor, path_name, signed
from harness.gates.kernel.truth import open_flags, replaced
from harness.gates.kernel.world import World
from harness.stops import IDLE, PAUSE, SLEEP, THINK

__all__ = ["Intake", "answer"]

_ZERO = bytes(abi.NOTIF.size)
_POLL_MS = 1
_MAKES_DIRECTORY = frozenset({"mkdir", "mkdirat"})
_ABSOLUTE_TIME = 1
_CLONE_THREAD = 0x10000
_DUPFD = (0, 1030)
_MS = 1_000_000


def answer(worker: Worker, trap_id: int, value: int = 0, error: int = 0, flags: int = 0) -> None:
    """Answer a notice; silent when the task was killed in the meantime."""
    try:
        fcntl.ioctl(worker.listener, abi.NOTIF_SEND, abi.RESPONSE.pack(trap_id, value, error, flags))
    except FileNotFoundError:
        return


class Intake:
    """Receives for all workers of one gate.

    Args:
        world: tells what is inside.
        lanes: by index.
        complete: called once when the granted call of `in_call` has returned, before
            anything that its lane does next is resolved.
        wall_limit_s: a lane that neither stops nor sleeps for so long makes the
            schedule inconclusive.
    """

    def __init__(
        self, world: World, lanes: list[Lane], complete: Callable[[], None], wall_limit_s: float
    ) -> None:
        self._wall_limit_s = wall_limit_s
        self._world = world
        self._lanes = lanes
        self._complete = complete
        #: The lane whose granted call has not been seen to return yet.
        self.in_call: Lane | None = None
        #: Whether lanes are kept from changing anything outside the session directory.
        self.guard = False
        #: Why the truth is not known; the first reason stays.
        self.inconclusive = ""
        self.now_ns = 0
        self._drawn = 0
        self._handlers = {
            "sleep": self._sleep,
            "random": self._random,
            "task": self._task,
            "table": self._table,
        }

    def begin(self) -> None:
        """Start a schedule."""
        self.inconclusive = ""
        self._drawn = 0

    def doubt(self, reason: str) -> None:
        """Note why the truth of this schedule is not known."""
        self.inconclusive = self.inconclusive or reason

    # Waiting

    def wait(self, lane: Lane) -> None:
        """Until the lane that was let go stands again, sleeps, or is gone.

        As long as every other task of its process stands in a trap, the next notice
        proves that the step is over. With sleepers in the process more than one task
        may move, and each has to be accounted for.
        """
        worker = lane.worker
        assert worker is not None
        started = 0.0
        while lane.status is Status.MOVING:
            if worker.sleepers:
                self._wait_quiet(worker)
                return
            try:
                self.take(worker)
            except InterruptedError:
                started = started or time.monotonic()
                if self._sleeps(worker):
                    self._mark_sleepers(worker)
                elif time.monotonic() - started > self._wall_limit_s:
                    self._give_up(worker)
            except FileNotFoundError:
                self._gone(worker)

    def _wait_quiet(self, worker: Worker) -> None:
        poll = select.poll()
        poll.register(worker.listener, select.POLLIN)
        deadline = time.monotonic() + self._wall_limit_s
        while True:
            ready = poll.poll(_POLL_MS)
            if ready and ready[0][1] & select.POLLIN:
                try:
                    self.take(worker)
                except InterruptedError:
                    continue
                except FileNotFoundError:
                    if not worker.process.is_alive():
                        self._gone(worker)
                        return
            elif ready or not worker.process.is_alive():
                self._gone(worker)
                return
            elif self._sleeps(worker):
                self._mark_sleepers(worker)
                return
            elif time.monotonic() > deadline:
                self._give_up(worker)
                return

    def _sleeps(self, worker: Worker) -> bool:
        """Whether everything in the process stands or provably sleeps, with no notice waiting."""
        standing = {
            tid
            for tid, lane in worker.by_tid.items()
            if lane.status is not Status.MOVING and lane.status is not Status.ASLEEP
        }
        if not tasks.asleep(worker.pid, standing) or tasks.children_of(worker.pid):
            # What a child will do to its parent cannot be told.
            return False
        poll = select.poll()
        poll.register(worker.listener, select.POLLIN)
        return not poll.poll(0)

    def outwait(self, worker: Worker) -> bool:
        """Wait for a process whose lanes sleep in calls that time will end by itself.

        Returns:
            Whether a lane of it stands again.
        """
        deadline = time.monotonic() + self._wall_limit_s
        while worker.sleepers:
            # Proof of sleep first: who has just woken up is in no call any more.
            if self._sleeps(worker) and not tasks.timed(worker.pid):
                return False
            asleep = worker.sleepers
            self._wait_quiet(worker)
            if worker.sleepers < asleep or worker.dirty:
                return True
            if time.monotonic() > deadline:
                self._give_up(worker)
                return True
            time.sleep(_POLL_MS / 1000)
        return False

    def _mark_sleepers(self, worker: Worker) -> None:
        worker.sleepers = 0
        for lane in worker.lanes:
            if lane.status is Status.MOVING:
                lane.status = Status.ASLEEP
            worker.sleepers += lane.status is Status.ASLEEP

    def _give_up(self, worker: Worker) -> None:
        self.doubt(f"process {worker.name} did not stop for {self._wall_limit_s:.0f} s")
        for lane in worker.lanes:
            if lane.status in (Status.MOVING, Status.ASLEEP):
                lane.status = Status.DEAD
        worker.dirty = True

    def _gone(self, worker: Worker) -> None:
        worker.process.join(1.0)
        if worker.process.is_alive():
            return
        worker.dirty = True
        for lane in worker.lanes:
            if lane.status is not Status.DONE:
                lane.status = Status.DEAD

    # Notices

    def take(self, worker: Worker) -> None:
        """Receive one notice and act on it.

        Raises:
            InterruptedError: the watchdog's tick came first.
            FileNotFoundError: nobody is left behind the listener.
        """
        notice = abi.NOTIF.unpack(fcntl.ioctl(worker.listener, abi.NOTIF_RECV, _ZERO))
        tid = notice[1]
        if self.in_call is not None and worker.by_tid.get(tid) is self.in_call:
            self.in_call = None
            self._complete()
        call = CALLS[notice[3]]
        stand = Stand(notice[0], call, notice[6:])
        lane = worker.by_tid.get(tid)
        handler = self._handlers.get(call.kind)
        if call.name == "fcntl" and stand.args[1] in _DUPFD:
            handler = self._table
        try:
            if call.kind == "park":
                self._park(worker, tid, stand)
            elif lane is None:
                self._stranger(worker, tid, stand)
            elif handler is not None:
                handler(worker, tid, stand)
            elif not self._inside(worker, stand):
                self._outside(worker, stand, worker.memory)
            elif not self._kept_out(worker, stand):
                self._not_followed(worker, stand)
                self._stop(lane, stand, Status.FILE)
        except OSError:
            # Its arguments point nowhere; the kernel will say so.
            answer(worker, stand.trap_id, flags=abi.RESPONSE_CONTINUE)

    def _not_followed(self, worker: Worker, stand: Stand) -> None:
        """Doubt a schedule in which a lane does what the world cannot follow."""
        call = stand.call
        if call.name in _MAKES_DIRECTORY:
            self.doubt("a directory was made in the session directory; what happens in it is not followed")
        elif call.kind == "open" and open_flags(worker, stand) & os.O_TMPFILE == os.O_TMPFILE:
            self.doubt("a file without a name was made in the session directory; it is not followed")

    def _stop(self, lane: Lane, stand: Stand, status: str) -> None:
        if lane.status is Status.ASLEEP:
            assert lane.worker is not None
            lane.worker.sleepers -= 1
        lane.stand = stand
        lane.status = status

    def _inside(self, worker: Worker, stand: Stand) -> bool:
        call, args = stand.call, stand.args
        world = self._world
        if call.fd >= 0:
            stand.node = descriptor(world, worker, signed(args[call.fd]))
            return stand.node is not None
        if call.path < 0:
            return False
        raw = worker.memory.path(args[call.path]) if args[call.path] else b""
        at = signed(args[call.at]) if call.at >= 0 else abi.AT_FDCWD
        if not raw:
            # An empty path means the descriptor itself (fstat of newer C libraries).
            if at >= 0:
                stand.node = descriptor(world, worker, at)
            return stand.node is not None
        stand.name, stand.node, outside = path_name(world, worker, at, raw)
        if call.path2 >= 0:
            raw2 = worker.memory.path(args[call.path2])
            at2 = signed(args[call.at2]) if call.at2 >= 0 else abi.AT_FDCWD
            stand.name2 = path_name(world, worker, at2, raw2)[0] if raw2 else None
            if stand.name2 is not None:
                return True
        return stand.name is not None or stand.node is not None or outside == world.directory

    def _kept_out(self, worker: Worker, stand: Stand) -> bool:
        """Answer a call that would change something outside, or the session directory itself."""
        if stand.call.kind == "names" and "." in (stand.name, stand.name2):
            answer(worker, stand.trap_id, error=-errno.EBUSY)
        elif self.guard and (crosses(stand) or leads_out(self._world, worker, stand)):
            answer(worker, stand.trap_id, error=-errno.EROFS)
        else:
            return False
        return True

    def _outside(self, worker: Worker, stand: Stand, memory: Memory) -> None:
        """Let a call go that is no business of ours, unless it would change a file elsewhere."""
        call = stand.call
        if call.kind == "close":
            worker.fds.pop(signed(stand.args[0]), None)
        elif self.guard and forbidden_outside(worker, memory, stand):
            answer(worker, stand.trap_id, error=-errno.EROFS)
            return
        answer(worker, stand.trap_id, flags=abi.RESPONSE_CONTINUE)

    def _stranger(self, worker: Worker, tid: int, stand: Stand) -> None:
        """A task that is no lane: a thread or a child that a fence started.

        It may look around and, outside, do what a lane may do. In the session
        directory nobody can tell in whose name it acts: the schedule is void.
        """
        handler = self._handlers.get(stand.call.kind)
        if tid in tasks.tasks_of(worker.pid):
            if handler is not None:
                handler(worker, tid, stand)
                return
            if self._inside(worker, stand):
                self.doubt(f"a thread of process {worker.name} that is no lane touched the session directory")
            self._outside(worker, stand, worker.memory)
            return
        try:
            memory = Memory(tid)
        except OSError:
            self.doubt(f"a child of process {worker.name} could not be examined")
            answer(worker, stand.trap_id, error=-errno.EIO)
            return
        child = worker.seen_from(tid, memory)
        try:
            if handler is not None:
                handler(child, tid, stand)
            elif self._inside(child, stand):
                self.doubt(f"a child of process {worker.name} touched the session directory")
                os.kill(tid, signal.SIGKILL)
            else:
                self._outside(child, stand, memory)
        except OSError as error:
            self.doubt(f"a child of process {worker.name} could not be examined: {error.strerror}")
            answer(worker, stand.trap_id, error=-errno.EIO)
        finally:
            memory.close()

    # Calls that are no file operation

    def _park(self, worker: Worker, tid: int, stand: Stand) -> None:
        why, index, value = stand.args[0], stand.args[1], stand.args[2]
        if not any(lane.index == index for lane in worker.lanes):
            answer(worker, stand.trap_id)
            return
        lane = self._lanes[index]
        worker.by_tid[tid] = lane
        if why == IDLE:
            # A worker that has just been started waits for its first program.
            self._stop(lane, stand, Status.DONE)
        elif why == THINK:
            lane.think_left = value
            self._stop(lane, stand, Status.THINK)
        else:
            assert why in (SLEEP, PAUSE)
            if why == PAUSE:
                lane.poll_name = None
            self._lie_down(lane, stand, value)

    def _lie_down(self, lane: Lane, stand: Stand, duration_ns: int) -> None:
        lane.wake_ns = self.now_ns + duration_ns
        self._stop(lane, stand, Status.SLEEP)

    def _sleep(self, worker: Worker, tid: int, stand: Stand) -> None:
        lane = worker.by_tid.get(tid)
        if lane is None:
            answer(worker, stand.trap_id, flags=abi.RESPONSE_CONTINUE)
            return
        plain = stand.call.name == "nanosleep"
        data = worker.memory.read(stand.args[0 if plain else 2], 16)
        duration = int.from_bytes(data[:8], "little") * 1_000_000_000 + int.from_bytes(data[8:], "little")
        if not plain and stand.args[1] & _ABSOLUTE_TIME:
            # Python code has the virtual clock, the C library the real one: whichever it is near to.
            real = duration - time.clock_gettime_ns(signed(stand.args[0]))
            virtual = duration - self.now_ns
            # The real clock moved between the caller's look and ours.
            duration = virtual if abs(virtual) < abs(real) else -(-real // _MS) * _MS
        self._lie_down(lane, stand, max(0, duration))

    def _random(self, worker: Worker, tid: int, stand: Stand) -> None:
        length = min(stand.args[1], 1 << 16)
        self._drawn += 1
        data = hashlib.shake_128(b"harness random %d" % self._drawn).digest(length)
        worker.memory.write(stand.args[0], data)
        answer(worker, stand.trap_id, length)

    def _task(self, worker: Worker, tid: int, stand: Stand) -> None:
        # New tasks are under the same filter and listener; whatever they do comes by `take`.
        worker.forked |= not self._is_thread(worker, stand)
        answer(worker, stand.trap_id, flags=abi.RESPONSE_CONTINUE)

    @staticmethod
    def _is_thread(worker: Worker, stand: Stand) -> bool:
        if stand.call.name == "clone":
            return bool(stand.args[0] & _CLONE_THREAD)
        if stand.call.name == "clone3":
            return bool(int.from_bytes(worker.memory.read(stand.args[0], 8), "little") & _CLONE_THREAD)
        return False

    def _table(self, worker: Worker, tid: int, stand: Stand) -> None:
        """dup and its like: a step where it closes one of the session's files, else answered at once."""
        self._world.copied = True
        lane = worker.by_tid.get(tid)
        nodes = [descriptor(self._world, worker, fd) for fd in replaced(worker, stand)]
        inside = [node for node in nodes if node is not None]
        if inside and lane is not None:
            stand.node = inside[0]
            self._stop(lane, stand, Status.FILE)
            return
        for fd in replaced(worker, stand):
            worker.fds.pop(fd, None)
        answer(worker, stand.trap_id, flags=abi.RESPONSE_CONTINUE)
