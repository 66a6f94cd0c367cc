"""Waiting for processes among which one thing at a time moves, without a look at any of them.

A service that says it flows (`harness.lanes.child_services`) does nothing but what follows from the one
thing before. So the next call of any process that has to stop is the end of the step. If that were not
so, a thread would stop unexpectedly; it would still stop before each of its calls and be attributed as
ever, but histories would not repeat.
"""

from __future__ import annotations

from harness.gates.kernel import process_tree
from harness.gates.kernel.adapter_time import kernel_waits
from harness.gates.kernel.attribution import attribute_one, choose
from harness.gates.kernel.lane import Lane, TraceeProcess, TraceeThread, Worker
from harness.gates.kernel.linux_abi import RESPONSE_CONTINUE
from harness.gates.kernel.notifications import react, receive
from harness.gates.kernel.path_resolution import OUTSIDE, UNKNOWN
from harness.gates.kernel.process import PendingSyscall, Status, Task, respond
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["applies", "follow"]

#: Of the watchdog, until processes that are thought to move are looked at.
_TICKS_MAX = 2
#: Calls by which a service speaks with a lane, or wakes its own threads.
_PASSING = frozenset({"read", "write", "readv", "writev"})
#: EIO: the answer to a thread of a process that is gone or may not be examined.
_IO_ERROR = -5


def applies(worker: Worker) -> bool:
    """Return whether all processes that a worker started are services that flow."""
    if worker.cloned or not worker.tracees:
        return False
    for tracee in worker.tracees.values():
        service = tracee.service
        if service is None or not service.flows or tracee.cloned or tracee.exec_pending:
            return False
    return True


def follow(state: SupervisorState, worker: Worker, lane: Lane) -> bool:
    """Wait until the lane that was let go, or a thread that acts for one, stops.

    Returns:
        False when none does for so long that the processes have to be looked at.
    """
    lane.show_itself()
    # Looks at them prove nothing any more.
    worker.moves()
    _requests_move(worker)
    stopped = _until_stopped(state, worker)
    if stopped is None:
        # Meanwhile another one may have been asked, and been let do what was not looked at.
        worker.may_wake_others(True)
        _requests_move(worker)
        return False
    if isinstance(stopped, TraceeThread):
        attribute_one(state, stopped)
        if stopped.lane is not None and stopped.lane is not lane:
            stopped.lane.show_itself()
            choose(worker, stopped.lane)
    choose(worker, lane)
    return True


def _until_stopped(state: SupervisorState, worker: Worker) -> Task | None:
    """Receive and react until a task stops; return None when none does."""
    ticks = 0
    threads = worker.flow_threads
    while True:
        try:
            pending = receive(state, worker)
        except InterruptedError:
            ticks += 1
            if ticks > _TICKS_MAX:
                return None
            continue
        except FileNotFoundError:
            return None
        if pending.call.name in _PASSING and state.observer is None:
            tracee = threads.get(pending.tid)
            if tracee is not None and tracee.fds.get(pending.args[0], UNKNOWN) is OUTSIDE:
                # The usual case: it speaks with us, or wakes its neighbour.
                if tracee.program.date is not None:
                    tracee.program.date.returned(pending.tid)
                respond(worker, pending.trap_id, flags=RESPONSE_CONTINUE)
                continue
        if pending.call.kind == "timed" and pending.tid in threads:
            # An adapter waits in real time.
            kernel_waits(state, pending, threads[pending.tid])
            respond(worker, pending.trap_id, flags=RESPONSE_CONTINUE)
            continue
        stopped = _reaction(state, worker, pending)
        if stopped is not None:
            return stopped


def _reaction(state: SupervisorState, worker: Worker, pending: PendingSyscall) -> Task | None:
    """React to a call; return the task that it stops."""
    process = process_tree.identify(state, worker, pending)
    if process is None:
        respond(worker, pending.trap_id, error=_IO_ERROR)
        return None
    tid = pending.tid
    process_tree.thread_moves(state, worker, process, tid)
    if isinstance(process, TraceeProcess):
        worker.flow_thread(tid, process)
    react(state, pending)
    task: Task | None = process.tasks.get(tid)
    if task is not None and task.pending is pending and task.status is not Status.MOVING:
        return task
    return None


def _requests_move(worker: Worker) -> None:
    """Note that services with a request under way may move and wake others."""
    for tracee in worker.tracees.values():
        if tracee.service is not None and tracee.service.requests:
            tracee.may_move()
