"""Taking notices off a listener: who stopped, where, and whether it matters.

A call outside the session directory is answered here at once; anything else
leaves its lane standing with a `Stand` that says what it is about. Calls that are
about no file at all belong to `errands`.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import time
from collections.abc import Callable
from fcntl import ioctl

from harness.gates.kernel import abi, tasks
from harness.gates.kernel.abi import NOTIF_RECV, RESPONSE_CONTINUE
from harness.gates.kernel.border import crosses, forbidden_outside, leads_out
from harness.gates.kernel.calls import CALLS
from harness.gates.kernel.errands import Errand, Errands
from harness.gates.kernel.lane import Lane, Stand, Status, Worker, answer
from harness.gates.kernel.memory import Memory
from harness.gates.kernel.resolve import UNKNOWN, descriptor, path_name, signed
from harness.gates.kernel.truth import open_flags
from harness.gates.kernel.world import World

__all__ = ["Intake"]

_ZERO = bytes(abi.NOTIF.size)
_unpack = abi.NOTIF.unpack
_POLL_MS = 1
_MAKES_DIRECTORY = frozenset({"mkdir", "mkdirat"})
_FD_MAX = 0x7FFFFFFF


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
        self._errands = Errands(self, world, lanes)
        self._errand_of = self._errands.by_number.get

    def begin(self) -> None:
        """Start a schedule."""
        self.inconclusive = ""
        self._errands.begin()

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
        trap_id, tid, _, number, _, _, *args = _unpack(ioctl(worker.listener, NOTIF_RECV, _ZERO))
        lane = worker.by_tid.get(tid)
        if lane is not None and lane is self.in_call:
            self.in_call = None
            self._complete()
        call = CALLS[number]
        stand = Stand(trap_id, call, args)
        try:
            errand = self._errand_of(number)
            if errand is None:
                self.file_call(worker, tid, stand)
            elif lane is None and call.kind != "park":
                self._stranger(worker, tid, stand, errand)
            else:
                errand(worker, tid, stand)
        except OSError:
            # Its arguments point nowhere; the kernel will say so.
            answer(worker, trap_id, flags=RESPONSE_CONTINUE)

    def file_call(self, worker: Worker, tid: int, stand: Stand) -> None:
        """Leave a lane standing before a call in the session directory, answer any other."""
        lane = worker.by_tid.get(tid)
        call = stand.call
        if lane is None:
            self._stranger(worker, tid, stand, None)
        elif call.fd < 0 or call.kind == "open":
            self._by_name(lane, worker, stand)
        else:
            fd = stand.args[call.fd]
            node = worker.fds.get(fd if fd <= _FD_MAX else signed(fd), UNKNOWN)
            if node is UNKNOWN:
                node = descriptor(self._world, worker, signed(fd))
            if node is None:
                self._outside(worker, stand, worker.memory)
            else:
                stand.node = node
                self.stop(lane, stand, Status.FILE)

    def _by_name(self, lane: Lane, worker: Worker, stand: Stand) -> None:
        call = stand.call
        if call.kind == "open":
            stand.flags = open_flags(worker, stand)
        if not self._inside(worker, stand):
            self._outside(worker, stand, worker.memory)
        elif not self._kept_out(worker, stand):
            if call.name in _MAKES_DIRECTORY:
                self.doubt(
                    "a directory was made in the session directory; what happens in it is not followed"
                )
            elif stand.flags & os.O_TMPFILE == os.O_TMPFILE:
                self.doubt("a file without a name was made in the session directory; it is not followed")
            self.stop(lane, stand, Status.FILE)

    def stop(self, lane: Lane, stand: Stand, status: str) -> None:
        """Leave a lane standing."""
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
        if call.path2 < 0 and raw.startswith(world.prefix):
            # The usual case, without a look at the file system.
            name = raw[len(world.prefix) :]
            if name and b"/" not in name and name not in (b".", b".."):
                stand.name = world.decoded(name)
                return True
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
        elif self.guard and (crosses(stand) or leads_out(self._world, stand)):
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
        answer(worker, stand.trap_id, flags=RESPONSE_CONTINUE)

    def _stranger(self, worker: Worker, tid: int, stand: Stand, errand: Errand | None) -> None:
        """A task that is no lane: a thread or a child that a fence started.

        It may look around and, outside, do what a lane may do. In the session
        directory nobody can tell in whose name it acts: the schedule is void.
        """
        if tid in tasks.tasks_of(worker.pid):
            if errand is not None:
                errand(worker, tid, stand)
                return
            if stand.call.kind == "open":
                stand.flags = open_flags(worker, stand)
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
            if stand.call.kind == "open":
                stand.flags = open_flags(child, stand)
            if errand is not None:
                errand(child, tid, stand)
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
