"""Lanes, the worker processes they live in, and the child processes that act for them.

A child process, its threads included, acts in the name of a lane. Which lane that is,
`attribution` decides; which process moves next, `process_scheduler` does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from harness.gates.kernel.lane_progress import LaneProgress
from harness.gates.kernel.process import PendingSyscall, Process, Status, Task
from harness.gates.kernel.quiescence import tasks_of
from harness.gates.kernel.shared_service import SharedService
from harness.gates.kernel.started_process import StartedProcess
from harness.model.native import mypyc_attr
from harness.model.shared_memory import SharedMemory

__all__ = ["Lane", "TraceeProcess", "TraceeThread", "Worker"]


class Lane(LaneProgress):
    """One lane: where it is stopped, in which worker, and which thread acts for it.

    Attributes:
        delegate: the thread of a child process whose call the lane is shown as stopped
            before; None when it is the lane's own call.
    """

    __slots__ = ("_own", "delegate", "worker")

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.worker: Worker | None = None
        self.delegate: TraceeThread | None = None
        #: Where the lane itself is stopped, while it has a delegate.
        self._own: tuple[PendingSyscall, str, int, bool] | None = None

    def join(self, worker: Worker) -> None:
        """Make it a lane of a worker that has just been started."""
        self.worker = worker
        self.status = Status.MOVING

    # Stops

    def stop(self, pending: PendingSyscall, status: str) -> None:
        """Leave the lane stopped before a call."""
        if self.status is Status.ASLEEP:
            assert self.worker is not None
            self.worker.lane_woke_up()
        self.pending = pending
        self.status = status

    def wake_up(self) -> None:
        """Note that a lane that slept in the kernel moves."""
        if self.status is Status.ASLEEP:
            assert self.worker is not None
            self.status = Status.MOVING
            self.worker.lane_woke_up()

    def stops(self) -> tuple[PendingSyscall, ...]:
        """Return the calls before which the lane stands: its delegate's, and its own."""
        return (self.pending,) if self._own is None else (self.pending, self._own[0])

    def show_delegate(self, thread: TraceeThread | None) -> None:
        """Show the lane as stopped where a thread is that acts for it; None for where it is itself."""
        if thread is not None:
            self._own = self.pending, self.status, self.wake_ns, self.flock_tried
            self.delegate = thread
            self.copy_stop(thread)
        self.candidate = None

    def show_itself(self) -> None:
        """Give the stop back to the delegate and show the lane as stopped where it is itself."""
        thread = self.delegate
        if thread is None:
            return
        assert self._own is not None
        thread.copy_stop(self)
        self.pending, self.status, self.wake_ns, self.flock_tried = self._own
        self.delegate = self._own = None

    def forget_delegate(self) -> None:
        """Drop the delegate without giving anything back, for its process was killed."""
        self.candidate = self.delegate = self._own = None


class Worker(Process):
    """One worker process, its lanes, and the processes that it started.

    Args:
        name: the scenario's name of the process.
        handle: handle of the running process (`multiprocess.Process`).
        listener: the seccomp listener of the process.
        board: shared memory with it.
        first_pid: first process of its PID namespace, as this process sees it; 0 for that of this process.

    Attributes:
        sleeping_lanes: how many of its lanes sleep in the kernel.
        maps_files: a file of the session is mapped for sharing, so stores are no calls.
        must_replace: another process has to take its place before the next schedule.
        forked: it has started a process of its own in this schedule.
        tracees: processes that it started, and theirs, by process id; in order of birth.
        births: how many those were.
        last_forker: the lane that last started a process; None for a thread that is no lane.
        services: children that serve several lanes, by process id.
        flow_threads: threads of services that flow, as far as they were met.
        has_children: a process that it started may be alive, known or not.
    """

    def __init__(
        self, name: str, handle: Any, listener: int, board: SharedMemory, first_pid: int = 0
    ) -> None:
        assert handle.pid is not None
        super().__init__(name, handle.pid, listener)
        self.first_pid = first_pid
        self.handle = handle
        self.board = board
        self.words = board.words
        self.lanes: list[Lane] = []
        self.tasks: dict[int, Lane] = {}
        self.sleeping_lanes = 0
        self.maps_files = False
        self.must_replace = False
        self.forked = False
        self.tracees: dict[int, TraceeProcess] = {}
        self.births = 0
        self.last_forker: Lane | None = None
        self.services: dict[int, SharedService[Lane]] = {}
        self.flow_threads: dict[int, TraceeProcess] = {}
        self.has_children = False

    def processes(self) -> tuple[Process, ...]:
        """Return the worker and the processes that it started, in order of birth."""
        return (self, *self.tracees.values())

    # Schedules

    def take_lanes(self, lanes: Sequence[Lane]) -> None:
        """Give the worker its lanes, none of which has stopped yet."""
        self.lanes = list(lanes)
        for lane in self.lanes:
            lane.join(self)

    def begin(self, program: bytes) -> None:
        """Start a schedule with an encoded program."""
        self.board.publish(program)
        self.fds.clear()
        self.sleeping_lanes = 0
        self.maps_files = self.forked = False
        for tracee in self.tracees.values():
            tracee.begin()

    def lane_runs_in(self, tid: int, lane: Lane) -> None:
        """Note in which thread a lane runs."""
        self.tasks[tid] = lane

    def maps_file(self) -> None:
        """Note that it, or a process that it started, has a file of the session mapped."""
        self.maps_files = True

    def replace_later(self) -> None:
        """Have another process take its place before the next schedule."""
        self.must_replace = True

    # Lanes

    def show_lanes_themselves(self) -> None:
        """Show every lane as stopped where it is itself."""
        for lane in self.lanes:
            lane.show_itself()

    def mark_sleeping_lanes(self) -> None:
        """Note that all its lanes that have not stopped sleep in the kernel."""
        self.sleeping_lanes = 0
        for lane in self.lanes:
            if lane.status is Status.MOVING:
                lane.fall_asleep()
            self.sleeping_lanes += lane.status is Status.ASLEEP

    def lane_woke_up(self) -> None:
        """Count one lane less that sleeps in the kernel."""
        self.sleeping_lanes -= 1

    def lose_lanes(self) -> None:
        """Give up the lanes that have not stopped."""
        for lane in self.lanes:
            if lane.status in (Status.MOVING, Status.ASLEEP):
                lane.die()
        self.must_replace = True

    def exited(self) -> None:
        """Note that the process has ended, and its lanes with it."""
        self.must_replace = True
        for lane in self.lanes:
            if lane.status is not Status.DONE:
                lane.die()

    def killed(self) -> None:
        """Note that the process was killed: it leaves no lane and no wait behind."""
        for lane in self.lanes:
            lane.forget_delegate()
        self.exited()
        self.pipe_readers.clear()
        self.queued.clear()
        self.has_sleepers = self.cloned = False
        self.sleeping_lanes = 0

    # Child processes

    def fork_announced(self, process: Process, tid: int) -> None:
        """Note that a thread of it, or of a process that it started, is about to start one."""
        if process is self:
            self.last_forker = self.tasks.get(tid)
        if not self.has_children:
            self.quiescent = self.has_sleepers = False
        self.forked = self.has_children = True

    def adopt(self, tracee: TraceeProcess) -> None:
        """Add a process that was started."""
        self.births += 1
        self.tracees[tracee.pid] = tracee
        self.has_children = True

    def bury(self, tracee: TraceeProcess) -> None:
        """Remove a process that has ended."""
        del self.tracees[tracee.pid]
        self.flow_threads.clear()

    def forget_services(self) -> None:
        """Note that none of its children is left."""
        self.services.clear()
        self.has_children = False

    def flow_thread(self, tid: int, tracee: TraceeProcess) -> None:
        """Remember the process of a service's thread."""
        self.flow_threads[tid] = tracee

    def count_children(self) -> None:
        """Note whether a process that it started is left."""
        self.has_children = bool(self.tracees)

    def announce_service(self, service: SharedService[Lane]) -> None:
        """Add a child that serves several lanes."""
        self.services[service.pid] = service
        tracee = self.tracees.get(service.pid)
        if tracee is not None:
            tracee.serve(service)

    def close(self) -> None:
        """Close the descriptors; the process itself is stopped by the gate."""
        for tracee in self.tracees.values():
            tracee.close()
        self.tracees.clear()
        os.close(self.listener)
        super().close()


@mypyc_attr(allow_interpreted_subclasses=True)
class TraceeThread(Task):
    """One thread of a process that a worker started.

    Attributes:
        number: place among the threads of the process, in order of birth.
        lane: the lane it acts for, since it stopped here.
    """

    __slots__ = ("_acted", "lane", "number", "tid", "tracee")

    def __init__(self, tracee: TraceeProcess, tid: int, number: int) -> None:
        super().__init__()
        self.tracee = tracee
        self.tid = tid
        self.number = number
        self.lane: Lane | None = None
        #: Whether it has ever asked for something in the name of a lane.
        self._acted = False

    @property
    def is_runtimes_own(self) -> bool:
        """Return whether it is a thread of an adapter's runtime, such as Go's `sysmon` or a JVM's VM thread.

        That is one of a service, and not the first one, that has done nothing for a lane yet. It sleeps
        while it looks after the other threads, whether a request is under way or not.
        """
        return not self._acted and self.tracee.service is not None and self.tid != self.tracee.pid

    def moves(self) -> None:
        """Note that the thread has moved on and acts for no lane until it stops."""
        self.status, self.lane = Status.MOVING, None

    def act_for(self, lane: Lane) -> None:
        """Set the lane that the thread acts for."""
        self.lane = lane
        self.flock_tried = False
        if not self._acted:
            self._acted = True
            if self.tracee.program.date is not None:
                self.tracee.program.date.acts(self.tid)


class TraceeProcess(StartedProcess):
    """One process that a worker started, or one of its descendants.

    Args:
        worker: the worker that it descends from.
        pid: process id.
        number: place in the order of birth among the worker's descendants.
        lane: the lane in whose name it acts; None where that is not known.
        service: set instead where it serves several lanes.

    Raises:
        OSError: it is gone, or may not be examined.
    """

    def __init__(
        self, worker: Worker, pid: int, number: int, lane: Lane | None, service: SharedService[Lane] | None
    ) -> None:
        super().__init__(worker.name, pid, worker.listener)
        self.first_pid = worker.first_pid
        self.worker = worker
        self.number = number
        self.lane = lane
        self.service = service
        self.tasks: dict[int, TraceeThread] = {}
        self._threads = 0

    def thread(self, tid: int) -> TraceeThread:
        """Return the thread of an id; threads are numbered in the order in which the kernel lists them."""
        found = self.tasks.get(tid)
        if found is None:
            for one in (*tasks_of(self.pid), tid):
                if one not in self.tasks:
                    self.tasks[one] = TraceeThread(self, one, self._threads)
                    self._threads += 1
            found = self.tasks[tid]
        return found

    def forget_ended_threads(self) -> None:
        """Drop the threads that have ended."""
        there = tasks_of(self.pid)
        self.tasks = {tid: thread for tid, thread in self.tasks.items() if tid in there}
        self.forget_queued(but=there)
        self.watch.close(but=there)

    def serve(self, service: SharedService[Lane]) -> None:
        """Act for the lanes that have a request under way from now on."""
        self.service = service
