"""Births and deaths of the processes that a worker started, and of what those started.

They are numbered in the order of birth. Which of them moves next, `process_scheduler` decides.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time

from harness.gates.kernel.flock_wakeups import release_locks_of_ended
from harness.gates.kernel.interference import NO_LIMIT_S, ending_signal, from_outside
from harness.gates.kernel.lane import Lane, TraceeProcess, Worker
from harness.gates.kernel.process import PendingSyscall, Process, Status, by_own_id
from harness.gates.kernel.program_clock import (
    RANDOM_BYTES,
    ask_for_date,
    has_parents_program,
    take_over,
)
from harness.gates.kernel.quiescence import (
    Halted,
    children_of,
    halted,
    is_exiting,
    process_and_parent_of,
)
from harness.gates.kernel.shared_service import SharedService
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.thread_turns import keep_on_one_processor, run_one_by_one
from harness.gates.kernel.worker_processes import orphans
from harness.model.stop_reasons import ASK, SERVE
from harness.system.reap import ended

__all__ = [
    "bury",
    "disturbed_children",
    "end_all",
    "end_children",
    "exec_announced",
    "fork_announced",
    "identify",
    "list_children",
    "service_announced",
    "thread_announced",
    "thread_moves",
    "worker_ended",
    "worker_halted",
]

_JOIN_S = 1.0
_REAP_S = 2.0
#: Between two looks at what a user has stopped.
_PAUSE_S = 0.01


# Announcements of tasks


def fork_announced(state: SupervisorState, process: Process, tid: int, vfork: bool) -> None:
    """Take in that a process is about to be started.

    Args:
        state: of the supervisor.
        process: that starts it.
        tid: the thread that does.
        vfork: that thread waits until the child has another program or is gone.
    """
    worker = _worker_of(process)
    if process.cloned:
        # The one before gets its number first.
        list_children(state, worker)
    process.forks(tid, vfork)
    worker.fork_announced(process, tid)
    state.files.process_table_changes()


def thread_announced(process: Process) -> None:
    """Take in that a thread is about to be started."""
    if isinstance(process, TraceeProcess):
        process.starts_thread()
        if process.program.clock is not None and not process.takes_turns and not process.runs_freely:
            run_one_by_one(process.pid)
            process.take_turns()


def exec_announced(state: SupervisorState, process: Process) -> None:
    """Take in that a process is about to become another program."""
    if isinstance(process, TraceeProcess):
        process.starts_program()
        state.files.process_table_changes()


def service_announced(
    state: SupervisorState, worker: Worker, lane: Lane | None, why: int, pid: int, how: int
) -> None:
    """Take in what a worker says of a child that serves several lanes, see `harness.lanes.child_services`.

    Args:
        state: of the supervisor.
        worker: that says it.
        lane: that says it, if a lane does.
        why: ``SERVE``, ``ASK`` or ``ANSWERED`` of `harness.model.stop_reasons`.
        pid: of the child.
        how: for ``SERVE``: bit 0 for one request at a time, bit 1 for a service that flows.
    """
    if why == SERVE:
        list_children(state, worker)
    child = by_own_id(worker.processes(), pid)
    pid = pid if child is None else child.pid
    if why == SERVE:
        worker.announce_service(SharedService(pid, bool(how & 1), bool(how & 2)))
        return
    service = worker.services.get(pid)
    if service is None or lane is None:
        return
    date = worker.tracees[pid].program.date if pid in worker.tracees else None
    if why == ASK:
        service.request(lane)
        if date is not None:
            date.request_begins()
        return
    if date is not None:
        date.request_ends()
    if service.reply(lane) and service.flows and not service.requests and pid in worker.tracees:
        worker.tracees[pid].is_idle()


# Births


def identify(state: SupervisorState, worker: Worker, pending: PendingSyscall) -> Process | None:
    """Note which process makes a call.

    Returns:
        The process; None where it is gone, or may not be examined.
    """
    process = _process_of(state, worker, pending.tid)
    if process is not None:
        pending.made_by(process)
        process.notified(pending.tid)
    return process


def _process_of(state: SupervisorState, worker: Worker, tid: int) -> Process | None:
    if tid == worker.pid or tid in worker.tasks:
        return worker
    if tid in worker.flow_threads:
        return worker.flow_threads[tid]
    for tracee in worker.tracees.values():
        if tid in tracee.tasks or tid == tracee.pid:
            return tracee
    pid, parent = process_and_parent_of(tid)
    if pid == worker.pid:
        return worker
    if pid and pid not in worker.tracees:
        list_children(state, worker)
    if pid and pid not in worker.tracees:
        _register(state, worker, pid, worker if parent == worker.pid else worker.tracees.get(parent))
    return worker.tracees.get(pid)


def list_children(state: SupervisorState, worker: Worker) -> bool:
    """Register the processes that were started, in order of birth; return whether any was."""
    before = worker.births
    for process in worker.processes():
        if process.cloned:
            for pid in children_of(process.pid):
                if pid not in worker.tracees:
                    _register(state, worker, pid, process)
    return worker.births > before


def _register(state: SupervisorState, worker: Worker, pid: int, parent: Process | None) -> None:
    lane, service = None, worker.services.get(pid)
    if parent is worker:
        lane = worker.last_forker
    elif isinstance(parent, TraceeProcess):
        lane, service = parent.lane, parent.service
    else:
        # Its parent is gone already, and is one of those that have just started a process.
        acting = {(tracee.lane, tracee.service) for tracee in worker.tracees.values() if tracee.cloned}
        if len(acting) == 1:
            lane, service = acting.pop()
    try:
        tracee = TraceeProcess(worker, pid, worker.births, lane, service)
    except OSError:
        if os.path.exists(f"/proc/{pid}/task/{pid}") and not is_exiting(pid):
            state.note_inconclusive(f"a process that {worker.name} started may not be examined")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return
    if isinstance(parent, TraceeProcess):
        tracee.inherit(parent)
    worker.adopt(tracee)
    state.start_times.born(pid, state.now_ns)


def thread_moves(state: SupervisorState, worker: Worker, process: Process, tid: int) -> None:
    """Note that a thread has moved, from any state."""
    process.moves()
    if not isinstance(process, TraceeProcess):
        lane = worker.tasks.get(tid)
        if lane is not None:
            lane.wake_up()
        return
    if process.exec_pending:
        try:
            process.started_program()
            _program_started(state, worker, process)
        except OSError:
            state.note_inconclusive(f"a program that process {worker.name} started may not be examined")
        _release_locks(state)
    process.thread(tid).moves()


def _program_started(state: SupervisorState, worker: Worker, process: TraceeProcess) -> None:
    """Give time and random numbers to a program that has just been started, before it does anything."""
    in_lane = process.lane is not None
    random = state.random(RANDOM_BYTES) if in_lane else state.random(RANDOM_BYTES, worker.name, "stack")
    # One that could not start another program keeps what it has.
    if has_parents_program(process.pid):
        return
    if not in_lane:
        # An adapter lives over schedules, and its runtime waits between them: only its date is virtual.
        process.program.asks_for_date(ask_for_date(process.memory, process.pid, random))
        return
    clock = take_over(process.memory, process.pid, state.now_ns, state.clocks.ahead_ns(worker.name), random)
    process.program.takes_time_from(clock)
    if clock is not None:
        keep_on_one_processor(process.pid)


# Deaths


def bury(state: SupervisorState, worker: Worker, tracee: TraceeProcess, killed: bool = False) -> None:
    """Take in that a process has ended.

    Args:
        state: of the supervisor.
        worker: from which it descends.
        tracee: the process.
        killed: by the supervisor, when everything was over.
    """
    if state.in_call and state.in_call in tracee.tasks:
        state.call_returned()
    if tracee.unseen:
        state.note_inconclusive(
            f"the first thread of a process that {worker.name} started has ended before the others: "
            "its files cannot be looked at"
        )
    if not killed:
        _note_if_killed(state, worker, tracee)
    worker.bury(tracee)
    state.real_timers.ended(tracee.pid, state.now_ns)
    for process in worker.processes():
        process.recheck_readers()
    if tracee.cloned:
        # This process adopts its children.
        for pid in orphans(worker):
            if pid not in worker.tracees:
                _register(state, worker, pid, tracee)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(tracee.pid, os.WNOHANG)
    tracee.close()
    if killed:
        return
    _release_locks(state)
    if tracee.service is not None and tracee.pid == tracee.service.pid:
        if tracee.service.flows:
            # An adapter: the lane that waits for its answer, or asks it next, says how it ended.
            return
        state.note_inconclusive(f"a child of process {worker.name} that serves its lanes has ended")
        worker.services.pop(tracee.pid, None)
        worker.replace_later()


def end_all(state: SupervisorState, worker: Worker) -> None:
    """End and bury all that a worker started, its services as well."""
    while worker.tracees:
        for tracee in list(worker.tracees.values()):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(tracee.pidfd, signal.SIGKILL)
            select.select([tracee.pidfd], (), (), _REAP_S)
            bury(state, worker, tracee, killed=True)
    worker.forget_services()


def end_children(state: SupervisorState, worker: Worker) -> None:
    """End what the lanes of a worker started in a schedule that is over; its services have to be at rest."""
    for lane in worker.lanes:
        mine = [one for one in worker.tracees.values() if one.service is None and one.lane is lane]
        if mine and lane.delegate is None and lane.status is Status.ASLEEP:
            # Not the fence's fault: it is not known why the program waits.
            why = state.told(state.terminals.why_waiting(worker, lane))
            state.note_inconclusive(
                f"a program that lane {lane.index} started does not end{': ' if why else ''}{why}"
            )
    # It may be gone because one of them is.
    for tracee in worker.tracees.values() if worker.must_replace else ():
        _note_if_killed(state, worker, tracee)
    # A lane that waits for a lock does so whichever task acts for it.
    waiting = [lane for lane in worker.lanes if lane.status is Status.FLOCK or state.polls.in_vain((lane,))]
    worker.show_lanes_themselves()
    if not worker.has_children:
        return
    while left := [tracee for tracee in worker.tracees.values() if tracee.service is None]:
        worker.replace_later()
        for tracee in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(tracee.pid, signal.SIGKILL)
        for tracee in left:
            select.select([tracee.pidfd], (), (), _REAP_S)
            bury(state, worker, tracee, killed=True)
    for service in worker.services.values():
        if service.requests:
            worker.replace_later()
            owed = [lane for lane in service.requests if lane not in waiting]
            if not owed:
                continue
            names = " and ".join(str(lane.index) for lane in owed)
            state.note_inconclusive(
                f"a child of process {worker.name} that serves its lanes owes an answer to lane {names}"
            )
    for tracee in worker.tracees.values():
        if not tracee.quiescent or tracee.queued or tracee.stopped():
            worker.replace_later()
    worker.count_children()


def worker_ended(worker: Worker) -> None:
    """Note the end of a worker that seems to have ended, if it has.

    It seems so, too, where a signal has interrupted a call before it was received: the listener had
    announced the call and has it no more. Such a worker is not waited for.
    """
    if _is_ending(worker) and ended(worker.handle, _JOIN_S):
        worker.exited()


def _is_ending(worker: Worker) -> bool:
    """Return whether a worker has ended, or no process is left that its listener could hear."""
    poll = select.poll()
    poll.register(worker.pidfd, select.POLLIN)
    poll.register(worker.listener, 0)
    return bool(poll.poll(0))


def worker_halted(state: SupervisorState, worker: Worker, found: Halted) -> None:
    """Give up a worker that was stopped from outside, itself or a process that it started.

    Without a limit a user debugs: then it is waited for, since it will go on some time.
    """
    if state.wall_limit_s >= NO_LIMIT_S:
        time.sleep(_PAUSE_S)
        return
    which = "process" if found.pid == worker.pid else "a process that was started by"
    state.note_disturbed(f"{which} {worker.name} was stopped {found.how} from outside")
    worker.lose_lanes()


def disturbed_children(state: SupervisorState, worker: Worker) -> bool:
    """Return whether a process that a worker started was stopped or killed from outside."""
    return any(
        halted(tracee.pid) or from_outside(state.signals, tracee.pid, ending_signal(tracee.pidfd, tracee.pid))
        for tracee in worker.tracees.values()
    )


def _note_if_killed(state: SupervisorState, worker: Worker, tracee: TraceeProcess) -> None:
    """Note that a signal from outside has ended a process, if one has."""
    number = ending_signal(tracee.pidfd, tracee.pid)
    state.note_killed(f"a process that was started by {worker.name}", tracee.pid, number)


def _release_locks(state: SupervisorState) -> None:
    """Release the locks of a process that is gone, or has another program."""
    event = release_locks_of_ended(state)
    if event is not None:
        state.lock_lost(event)


def _worker_of(process: Process) -> Worker:
    worker = process.worker if isinstance(process, TraceeProcess) else process
    assert isinstance(worker, Worker)
    return worker
