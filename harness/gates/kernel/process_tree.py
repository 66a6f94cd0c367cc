"""Who belongs to a worker's family: what it started, and what that started, in the order of birth.

Whose turn it is among them is up to `crowd`.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, Process, Status, Worker
from harness.gates.kernel.pipe_wait import empties
from harness.gates.kernel.quiescence import children_of, family_of, same_twice
from harness.gates.kernel.tracee import SharedService, TraceeProcess, TraceeThread, accounted
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.gates.kernel.worker_processes import orphans
from harness.model.history import LockEvent
from harness.model.stop_reasons import ASK, SERVE

if TYPE_CHECKING:
    from harness.gates.kernel.notifications import Notifications

__all__ = ["ProcessTree"]


class ProcessTree:
    """Takes down births and deaths in the families of one gate's workers.

    Args:
        intake: keeps doubts.
        world: files whose descriptors come and go with processes.
        flocks: who holds what.

    Attributes:
        event_of_end: told what the end of a process did to the write lock.
    """

    def __init__(self, intake: Notifications, world: VirtualFiles, flocks: Flocks) -> None:
        self._intake = intake
        self._world = world
        self._flocks = flocks
        self._workers: dict[int, Worker] = {}
        flocks.others = self._others
        self.event_of_end: Callable[[LockEvent], None] = lambda event: None

    def _others(self) -> Iterator[TraceeThread]:
        for worker in self._workers.values():
            for unit in worker.units.values():
                yield from unit.by_tid.values()

    def forks(self, space: Process, tid: int, vfork: bool) -> None:
        """A process is about to be started.

        Args:
            space: by which process.
            tid: by which thread.
            vfork: that thread waits until the child has another program or is gone.
        """
        worker = space.worker if isinstance(space, TraceeProcess) else space
        assert isinstance(worker, Worker)
        self._workers[worker.pid] = worker
        if space.cloned:
            # The one before gets its number first.
            self.list_children(worker)
        space.cloned = True
        if vfork:
            space.vforking.add(tid)
        if space is worker:
            worker.cloner = worker.by_tid.get(tid)
        if not worker.crowded:
            worker.quiet = worker.sleeps = False
        worker.forked = worker.crowded = True
        self._world.shared()

    def threads(self, space: Process) -> None:
        """A thread is about to be started."""
        if isinstance(space, TraceeProcess):
            space.threaded = True

    def becomes(self, space: Process) -> None:
        """A process is about to become another program."""
        if isinstance(space, TraceeProcess):
            space.stale = True
            space.threaded = False
            self._world.shared()

    def told(self, worker: Worker, lane: Lane | None, why: int, pid: int, how: int) -> None:
        """What a worker said of a child that serves several lanes, see `harness.lanes.child_services`."""
        if why == SERVE:
            self.list_children(worker)
            served = worker.served[pid] = SharedService(pid, bool(how & 1), bool(how & 2))
            if pid in worker.units:
                worker.units[pid].served = served
            return
        found = worker.served.get(pid)
        if found is None or lane is None:
            return
        if why == ASK:
            found.asking.append(lane)
        elif lane in found.asking:
            found.asking.remove(lane)
            if found.flows and not found.asking and pid in worker.units:
                worker.units[pid].quiet = True

    def space_of(self, worker: Worker, tid: int) -> Process | None:
        """The process of a thread; None where it is gone, or not to be examined."""
        if tid == worker.pid or tid in worker.by_tid:
            return worker
        if tid in worker.flow:
            return worker.flow[tid]
        for unit in worker.units.values():
            if tid in unit.by_tid or tid == unit.pid:
                return unit
        pid, parent = family_of(tid)
        if pid == worker.pid:
            return worker
        if pid and pid not in worker.units:
            self.list_children(worker)
        if pid and pid not in worker.units:
            self._register(worker, pid, worker if parent == worker.pid else worker.units.get(parent))
        return worker.units.get(pid)

    def list_children(self, worker: Worker) -> bool:
        """Take in who was born, in that order; whether anybody was."""
        before = worker.births
        for space in (worker, *worker.units.values()):
            if space.cloned:
                for pid in children_of(space.pid):
                    if pid not in worker.units:
                        self._register(worker, pid, space)
        return worker.births > before

    def _register(self, worker: Worker, pid: int, parent: Process | None) -> None:
        lane, served = None, worker.served.get(pid)
        if parent is worker:
            lane = worker.cloner
        elif isinstance(parent, TraceeProcess):
            lane, served = parent.lane, parent.served
        else:
            # Its parent is gone already, and is one of those that have just started somebody.
            names = {(unit.lane, unit.served) for unit in worker.units.values() if unit.cloned}
            if len(names) == 1:
                lane, served = names.pop()
        try:
            unit = TraceeProcess(worker, pid, worker.births, lane, served)
        except OSError:
            if os.path.exists(f"/proc/{pid}/task/{pid}") and not _is_zombie(pid):
                self._intake.doubt(f"a process that {worker.name} started may not be examined")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        if isinstance(parent, TraceeProcess):
            unit.events = parent.events
        worker.births += 1
        worker.units[pid] = unit
        worker.crowded = True

    def bury(self, worker: Worker, unit: TraceeProcess, killed: bool = False) -> None:
        """A process of the family has ended.

        Args:
            worker: whose family.
            unit: who.
            killed: by us, when everything was over.
        """
        if self._intake.in_call and self._intake.in_call in unit.by_tid:
            self._intake.call_returned()
        del worker.units[unit.pid]
        worker.flow.clear()
        _may_wake(worker)
        if unit.cloned:
            # What it started comes to us.
            for pid in orphans():
                if pid not in worker.units:
                    self._register(worker, pid, unit)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(unit.pid, os.WNOHANG)
        unit.close()
        if killed:
            return
        self.closed(worker)
        if unit.served is not None and unit.pid == unit.served.pid:
            self._intake.doubt(f"a child of process {worker.name} that serves its lanes has ended")
            worker.served.pop(unit.pid, None)
            worker.dirty = True

    def moves(self, worker: Worker, space: Process, tid: int) -> None:
        """Note that a thread has moved, whatever it did before."""
        space.quiet = False
        if isinstance(space, TraceeProcess):
            if space.stale:
                try:
                    space.renew()
                except OSError:
                    self._intake.doubt(f"a program that process {worker.name} started may not be examined")
                self.closed(worker)
            task = space.task(tid)
            task.status, task.lane = Status.MOVING, None
        else:
            lane = worker.by_tid.get(tid)
            if lane is not None and lane.status is Status.ASLEEP:
                lane.status = Status.MOVING
                worker.sleepers -= 1

    def closed(self, worker: Worker) -> None:
        """Descriptors of somebody went without a close: he is gone, or has another program."""
        self._world.abandoned()
        free, event = self._flocks.left()
        for node in free:
            self._flocks.wake(worker.lanes, node)
        if event is not None:
            self.event_of_end(event)


def _may_wake(worker: Worker) -> None:
    """Somebody is gone: who sleeps may have been woken, but for those whose pipe still has a writer."""
    for space in (worker, *worker.units.values()):
        if space.sleeps:
            for tid in [tid for tid, one in space.blocked.items() if not empties(space.pid, one.fd)]:
                del space.blocked[tid]
            if not accounted(space):
                space.quiet = False


def _is_zombie(pid: int) -> bool:
    return same_twice([(pid, (), (), None)]) is not None
