"""Taking notices off a listener: who stopped, where, and whether it matters.

A call outside the session directory is answered here at once; anything else
leaves its lane standing with a `PendingSyscall` that says what it is about. Calls that are
about no file at all belong to `errands`.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable
from fcntl import ioctl
from typing import TYPE_CHECKING

from harness.gates.kernel import linux_abi, quiescence
from harness.gates.kernel.confinement import crosses, forbidden_outside, leads_out
from harness.gates.kernel.effect_recorder import open_flags
from harness.gates.kernel.eventfd import OCCUPIED, is_reserved
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Status, Worker, answer
from harness.gates.kernel.linux_abi import NOTIF_RECV, RESPONSE_CONTINUE
from harness.gates.kernel.path_resolution import OUTSIDE, UNKNOWN, descriptor, path_name, signed
from harness.gates.kernel.pid_namespaces import PidNamespaces
from harness.gates.kernel.process_scheduler import ProcessScheduler
from harness.gates.kernel.syscall_handlers import SyscallHandlers
from harness.gates.kernel.syscall_table import CALLS, MAKES_DIRECTORY
from harness.gates.kernel.virtual_files import VirtualFiles

if TYPE_CHECKING:
    from harness.gates.kernel.tracee import TraceeProcess, TraceeThread

__all__ = ["Notifications"]

_ZERO = bytes(linux_abi.NOTIF.size)
_unpack = linux_abi.NOTIF.unpack
_POLL_MS = 1
_FD_MAX = 0x7FFFFFFF
_PASSING = frozenset({"read", "write", "readv", "writev"})


class Notifications:
    """Receives for all workers of one gate.

    Args:
        world: tells what is inside.
        flocks: who holds what.
        lanes: by index.
        complete: called once when the granted call of `in_call` has returned, before
            anything that its lane does next is resolved.
        wall_limit_s: a lane that neither stops nor sleeps for so long makes the
            schedule inconclusive.
    """

    def __init__(
        self,
        world: VirtualFiles,
        flocks: Flocks,
        lanes: list[Lane],
        complete: Callable[[], None],
        wall_limit_s: float,
    ) -> None:
        self._wall_limit_s = wall_limit_s
        self._world = world
        self._complete = complete
        #: Thread id of the granted call that has not been seen to return yet; 0 for none.
        self.in_call = 0
        #: While one thing at a time moves in a family: threads of its services.
        self.flowing: dict[int, TraceeProcess] = {}
        #: Whether lanes are kept from changing anything outside the session directory.
        self.guard = False
        #: Notices that were taken, each a call that a process was stopped at.
        self.traps = 0
        #: Why the truth is not known; the first reason stays.
        self.inconclusive = ""
        self.now_ns = 0
        self.crowd = ProcessScheduler(self, world, flocks, wall_limit_s)
        self.namespaces = PidNamespaces({})
        self._errands = SyscallHandlers(self, world, lanes)
        self._errand_of = self._errands.by_name.get

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
        while lane.status is Status.MOVING or worker.crowded:
            if worker.crowded:
                self.crowd.wait(worker, lane)
                return
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
                    self.give_up(worker)
            except FileNotFoundError:
                self.gone(worker)

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
                        self.gone(worker)
                        return
            elif ready or not worker.process.is_alive():
                self.gone(worker)
                return
            elif self._sleeps(worker):
                self._mark_sleepers(worker)
                return
            elif time.monotonic() > deadline:
                self.give_up(worker)
                return

    def _sleeps(self, worker: Worker) -> bool:
        """Whether everything in the process stands or provably sleeps, with no notice waiting."""
        standing = {
            tid
            for tid, lane in worker.by_tid.items()
            if lane.status is not Status.MOVING and lane.status is not Status.ASLEEP
        }
        if not quiescence.asleep(worker.pid, standing):
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
            if self._sleeps(worker) and not quiescence.timed(worker.pid):
                return False
            asleep = worker.sleepers
            self._wait_quiet(worker)
            if worker.sleepers < asleep or worker.dirty:
                return True
            if time.monotonic() > deadline:
                self.give_up(worker)
                return True
            time.sleep(_POLL_MS / 1000)
        return False

    def _mark_sleepers(self, worker: Worker) -> None:
        worker.sleepers = 0
        for lane in worker.lanes:
            if lane.status is Status.MOVING:
                lane.status = Status.ASLEEP
            worker.sleepers += lane.status is Status.ASLEEP

    def give_up(self, worker: Worker) -> None:
        """A worker took too long: nothing is known of its lanes."""
        self.doubt(f"process {worker.name} did not stop for {self._wall_limit_s:.0f} s")
        for lane in worker.lanes:
            if lane.status in (Status.MOVING, Status.ASLEEP):
                lane.status = Status.DEAD
        worker.dirty = True

    def gone(self, worker: Worker) -> None:
        """A worker seems to have ended: its lanes have, if that is so."""
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
        self.traps += 1
        if tid == self.in_call:
            self.call_returned()
        call = CALLS[number]
        if self.flowing and call.name in _PASSING:
            unit = self.flowing.get(tid)
            if unit is not None and unit.fds.get(args[0], UNKNOWN) is OUTSIDE:
                # The usual case: it speaks with us, or wakes its neighbour.
                answer(worker, trap_id, flags=RESPONSE_CONTINUE)
                return
        stand = PendingSyscall(trap_id, call, args, worker, tid)
        if worker.crowded:
            self.crowd.arrived(worker, stand)
        else:
            self.act_on(worker, tid, stand)

    def call_returned(self) -> None:
        """The granted call is over."""
        self.in_call = 0
        self._complete()

    def act_on(self, space: Process, tid: int, stand: PendingSyscall) -> None:
        """Answer a call, or leave standing who makes it.

        Args:
            space: the process of the task, and that of the stand.
            tid: the task.
            stand: what it stopped before.
        """
        try:
            errand = self._errand_of(stand.call.name)
            if errand is None:
                self.file_call(space, tid, stand)
            else:
                errand(space, tid, stand)
        except OSError:
            # Its arguments point nowhere; the kernel will say so.
            answer(space, stand.trap_id, flags=RESPONSE_CONTINUE)

    def file_call(self, worker: Process, tid: int, stand: PendingSyscall) -> None:
        """Leave a lane standing before a call in the session directory, answer any other."""
        lane = worker.by_tid.get(tid)
        call = stand.call
        if lane is None:
            self._stranger(worker, stand)
        elif call.fd < 0 or call.kind == "open":
            self._by_name(lane, worker, stand)
        else:
            fd = stand.args[call.fd]
            node = worker.fds.get(fd if fd <= _FD_MAX else signed(fd), UNKNOWN)
            if node is UNKNOWN:
                node = descriptor(self._world, worker, signed(fd))
                if node is not None and is_reserved(fd):
                    self.doubt(OCCUPIED)
            if node is None:
                self._outside(worker, stand)
            else:
                stand.node = node
                self.stop(lane, stand, Status.FILE)

    def _by_name(self, lane: Lane | TraceeThread, worker: Process, stand: PendingSyscall) -> None:
        call = stand.call
        if call.kind == "open":
            stand.flags = open_flags(worker, stand)
        if not self._inside(worker, stand):
            self._outside(worker, stand)
        elif not self._kept_out(worker, stand):
            if call.name in MAKES_DIRECTORY and not self._makes_lock(stand):
                self.doubt(
                    "a directory was made in the session directory; what happens in it is not followed"
                )
            elif stand.flags & os.O_TMPFILE == os.O_TMPFILE:
                self.doubt("a file without a name was made in the session directory; it is not followed")
            self.stop(lane, stand, Status.FILE)

    def _makes_lock(self, stand: PendingSyscall) -> bool:
        """Whether the directory is a lock: it stays empty, for what is inside counts as outside."""
        lock = self._world.lock
        return lock.is_directory and stand.name == lock.name

    def stop(self, lane: Lane | TraceeThread, stand: PendingSyscall, status: str) -> None:
        """Leave a lane standing, or who acts for one."""
        if lane.status is Status.ASLEEP:
            assert isinstance(lane, Lane) and lane.worker is not None
            lane.worker.sleepers -= 1
        lane.stand = stand
        lane.status = status

    def _inside(self, worker: Process, stand: PendingSyscall) -> bool:
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
        at = signed(args[call.at]) if call.at >= 0 else linux_abi.AT_FDCWD
        if not raw:
            # An empty path means the descriptor itself (fstat of newer C libraries).
            if at >= 0:
                stand.node = descriptor(world, worker, at)
            return stand.node is not None
        stand.name, stand.node, outside = path_name(world, worker, at, raw)
        if call.path2 >= 0:
            raw2 = worker.memory.path(args[call.path2])
            at2 = signed(args[call.at2]) if call.at2 >= 0 else linux_abi.AT_FDCWD
            stand.name2 = path_name(world, worker, at2, raw2)[0] if raw2 else None
            if stand.name2 is not None:
                return True
        return stand.name is not None or stand.node is not None or outside == world.directory

    def _kept_out(self, worker: Process, stand: PendingSyscall) -> bool:
        """Answer a call that would change something outside, or the session directory itself."""
        if stand.call.kind == "names" and "." in (stand.name, stand.name2):
            # It is there already, as the kernel would say of a mkdir.
            code = errno.EEXIST if stand.call.name in MAKES_DIRECTORY else errno.EBUSY
            answer(worker, stand.trap_id, error=-code)
        elif self.guard and (crosses(stand) or leads_out(self._world, stand)):
            answer(worker, stand.trap_id, error=-errno.EROFS)
        else:
            return False
        return True

    def _outside(self, worker: Process, stand: PendingSyscall) -> None:
        """Let a call go that is no business of ours, unless it would change a file elsewhere."""
        call = stand.call
        if call.kind == "close":
            worker.fds.pop(signed(stand.args[0]), None)
        elif self.guard and forbidden_outside(worker, stand):
            answer(worker, stand.trap_id, error=-errno.EROFS)
            return
        elif self.namespaces.several and self._is_hidden(worker, stand):
            answer(worker, stand.trap_id, error=-errno.ENOENT)
            return
        answer(worker, stand.trap_id, flags=RESPONSE_CONTINUE)

    def _is_hidden(self, space: Process, stand: PendingSyscall) -> bool:
        """Whether a call is about what /proc says of a process in another PID namespace."""
        place = stand.call.path
        if place < 0 or not stand.args[place]:
            return False
        return self.namespaces.hides_path(space, space.memory.path(stand.args[place]))

    def _stranger(self, worker: Process, stand: PendingSyscall) -> None:
        """A thread of a worker that is no lane, but one that a fence started.

        It may look around and, outside, do what a lane may do. In the session
        directory nobody can tell in whose name it acts: the schedule is void.
        """
        if stand.call.kind == "open":
            stand.flags = open_flags(worker, stand)
        if self._inside(worker, stand):
            self.doubt(f"a thread of process {worker.name} that is no lane touched the session directory")
        self._outside(worker, stand)
