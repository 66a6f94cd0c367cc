"""Waiting for a worker and the processes that it started, of which one moves at a time.

Calls of the other processes are queued until it is their turn, the worker first, then in the
order of birth. So what the processes do to each other through pipes comes in the same order every time.
When all of them are stopped in the session directory, or provably sleep, the step is over,
and each lane is shown as stopped where the first of the tasks that act for it can go on.

The threads of a program move one at a time, too (`thread_turns`): all their calls are queued, and one goes
on when all threads are stopped or sleep. Of several that are stopped in the session directory the first in
the order of birth is let go first.
"""

from __future__ import annotations

import contextlib
import select
import time

from harness.gates.kernel import linux_abi, process_tree
from harness.gates.kernel.adapter_time import kernel_waits
from harness.gates.kernel.attribution import RANK, attribute, choose
from harness.gates.kernel.interference import Patience, dies
from harness.gates.kernel.interrupted_calls import take_ended
from harness.gates.kernel.lane import Lane, TraceeProcess, TraceeThread, Worker
from harness.gates.kernel.notifications import react, receive
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.pipe_wait import ANY_SLEEPER, NO_SLEEPER, PipeReader, empties, reach
from harness.gates.kernel.process import PendingSyscall, Process, Status, respond
from harness.gates.kernel.quiescence import Rest, same_twice
from harness.gates.kernel.stuck_worker import worker_timed_out
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.terminals import Typist
from harness.gates.kernel.thread_turns import SpinWatch, run_freely, spin_limit_s

__all__ = ["ProcessScheduler"]

#: How long to wait for the next notification before looking whether a process still moves.
_PAUSE_S, _PAUSE_MAX_S = 0.00003, 0.001
#: How many waits of a step come between two looks for a thread that spins.
_LOOKS = 8
#: Outside the session directory these may wake a sleeper: at a pipe, for a child, for a lock.
_WAKING = frozenset({"data", "close", "table", "task", "wake", "others", "lock"})
_READING = frozenset({"read", "readv"})
#: EIO: the answer to a thread of a process that is gone or may not be examined.
_IO_ERROR = -5


class ProcessScheduler:
    """Waits for lanes whose worker has child processes.

    Args:
        state: of the supervisor.
    """

    def __init__(self, state: SupervisorState) -> None:
        self._state = state
        self._turn: Process | None = None
        #: Whether calls of processes whose turn it is not are queued.
        self._queueing = False
        self._patience = Patience(0)
        self._spin_watch = SpinWatch(0)

    # Waiting

    def wait(self, worker: Worker, lane: Lane) -> None:
        """Wait until every process is stopped, sleeps, or is gone.

        Args:
            worker: of the lane.
            lane: was let go.
        """
        thread = lane.delegate
        worker.show_lanes_themselves()
        turn: Process = worker if thread is None else thread.tracee
        turn.moves()
        if thread is not None and (isinstance(thread, Typist) or thread.pending.call.kind == "lock"):
            _disturb(worker, turn, ANY_SLEEPER)
        self._run_to_rest(worker, turn)

    def outwait(self, worker: Worker) -> bool:
        """Wait for processes of which one sleeps in a call that real time ends.

        Returns:
            Whether a lane of the worker is stopped again.
        """
        if not worker.sleeping_lanes and all(one.service is not None for one in worker.tracees.values()):
            return False
        patience = Patience(self._state.wall_limit_s)
        while not worker.must_replace:
            worker.show_lanes_themselves()
            _disturb(worker, None, ANY_SLEEPER)
            for process in worker.processes():
                process.moves()
            # The proof says in which calls they sleep: at a later look one might have just been woken.
            rest = self._prove(worker)
            if rest is not None and not rest.ends_by_time:
                break
            if rest is None:
                asleep = worker.sleeping_lanes
                self._run_to_rest(worker, None)
                # A lane that has come to its end is asleep no more, and can take no step.
                woken = worker.sleeping_lanes < asleep or any(lane.status in RANK for lane in worker.lanes)
                if woken or self._state.inconclusive:
                    return True
            if patience.over():
                worker_timed_out(self._state, worker)
                return True
            time.sleep(_PAUSE_MAX_S)
        for lane in worker.lanes:
            choose(worker, lane)
        return worker.must_replace

    def await_end(self, worker: Worker, lane: Lane, end_ns: int) -> None:
        """Wait until a lane that sleeps stops, or to a time, and then until its processes rest again.

        Args:
            worker: of the lane.
            lane: whose adapter owes an answer.
            end_ns: by the machine's monotonic clock.
        """
        left_ns = 1
        while left_ns > 0 and lane.status is Status.ASLEEP and not worker.must_replace:
            left_ns = end_ns - time.monotonic_ns()
            pidfds = [tracee.pidfd for tracee in worker.tracees.values()]
            select.select([worker.listener, worker.pidfd, *pidfds], (), (), max(0, left_ns) / 1e9)
            worker.show_lanes_themselves()
            _disturb(worker, None, ANY_SLEEPER)
            for process in worker.processes():
                process.moves()
            self._run_to_rest(worker, None)

    def _run_to_rest(self, worker: Worker, turn: Process | None) -> None:
        self._turn, self._queueing = turn, True
        self._patience = Patience(self._state.wall_limit_s, worker.pid)
        self._spin_watch = SpinWatch(spin_limit_s(self._state.wall_limit_s))
        try:
            while self._collect(worker) and (self._next_turn(worker) or self._end_waits(worker)):
                pass
        finally:
            self._turn, self._queueing = None, False
        worker.mark_sleeping_lanes()
        attribute(self._state, worker)
        if self._state.terminals.any_open:
            self._state.terminals.offer(worker, self._state.now_ns)
        for lane in worker.lanes:
            choose(worker, lane)
        worker.count_children()

    def _collect(self, worker: Worker) -> bool:
        """Receive until every task is queued, stopped or asleep; return False when that cannot be had."""
        pause_s, looks = _PAUSE_S, 0
        while not _all_known(worker) or self._one_dies(worker):
            if self._patience.over():
                worker_timed_out(self._state, worker, self._patience.computed)
                return False
            pidfds = {tracee.pidfd: tracee for tracee in worker.tracees.values()}
            ready = select.select([worker.listener, worker.pidfd, *pidfds], (), (), pause_s)[0]
            if worker.listener in ready:
                with contextlib.suppress(InterruptedError, FileNotFoundError):
                    self.admit(worker, receive(self._state, worker))
                    self._patience.made_call()
                    pause_s = _PAUSE_S
                    continue
            if worker.pidfd in ready:
                process_tree.worker_ended(worker)
                return False
            ended = [tracee for fd, tracee in pidfds.items() if fd in ready]
            for tracee in ended:
                process_tree.bury(self._state, worker, tracee)
            if ended or self._state.drain() or self._prove(worker) is not None:
                continue
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
            looks += 1
            if looks % _LOOKS == 0:
                self._end_spins(worker)
        return True

    def _end_spins(self, worker: Worker) -> None:
        """Let the threads of a program run freely where one waits for another one without a call."""
        for process in worker.tracees.values():
            if not process.takes_turns or process.quiescent or not self._spin_watch.spins(process.pid):
                continue
            run_freely(process.pid)
            process.run_freely()
            for thread in process.tasks.values():
                if thread.status is Status.SLEEP:
                    process.program.take_wait(thread.tid)
                    thread.moves()
                    respond(process, thread.pending.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
            for pending in process.take_queued(_birth_order(process)):
                self._react(worker, process, pending)

    def _one_dies(self, worker: Worker) -> bool:
        """Return whether a thread that stands before a call is about to end: it will not make it."""
        if not self._state.signals.any:
            return False
        return any(dies(tracee.pid, tracee.stopped()) for tracee in worker.tracees.values())

    def _next_turn(self, worker: Worker) -> bool:
        """React to the calls of the first process that has some queued; return False when none has.

        A process that asks whether a child has ended comes after all others: a child that was killed
        a moment ago may still be on its way out.
        """
        waiting = [process for process in worker.processes() if process.queued]
        if not waiting:
            return False
        process = min(waiting, key=_asks_for_ends)
        if self._turn in waiting and self._turn.takes_turns and not _asks_for_ends(self._turn):
            process = self._turn
        self._turn = process
        if process.takes_turns:
            self._react(worker, process, process.take_next_queued(_birth_order(process)))
            return True
        for pending in process.take_queued(_birth_order(process)):
            self._react(worker, process, pending)
        return True

    def _end_waits(self, worker: Worker) -> bool:
        """Let the first process go on that has got what it waits for; return False where none has."""
        for tracee in worker.tracees.values():
            for pending, answer in take_ended(tracee, self._state.now_ns, self._state.signals.any):
                self._turn = tracee
                tracee.moves()
                tracee.thread(pending.tid).moves()
                respond(tracee, pending.trap_id, *answer)
            if self._turn is tracee and not tracee.quiescent:
                return True
        return False

    # Calls

    def admit(self, worker: Worker, pending: PendingSyscall) -> None:
        """React to a call, or queue it when it is not its process's turn."""
        process = process_tree.identify(self._state, worker, pending)
        if process is None:
            respond(worker, pending.trap_id, error=_IO_ERROR)
        elif pending.call.kind in ("timed", "timer") and not _has_clock(process):
            # It has real time: the kernel may have it at once, as if it had not been trapped.
            kernel_waits(self._state, pending, process)
            respond(process, pending.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
        elif not self._queueing or (
            process is self._turn and pending.call.kind != "reap" and not process.takes_turns
        ):
            self._react(worker, process, pending)
        else:
            if isinstance(process, TraceeProcess):
                process.thread(pending.tid)
            process.queue(pending)

    def _react(self, worker: Worker, process: Process, pending: PendingSyscall) -> None:
        """React to a call, and note what that means for the sleepers."""
        tid, at_rest = pending.tid, process.quiescent
        process_tree.thread_moves(self._state, worker, process, tid)
        call, waits = pending.call, False
        fd = signed(pending.args[max(call.fd, 0)])
        reaches = _reach(process, pending)
        if reaches > 0:
            self._line_up(worker, reaches, another=call.name in _READING)
        if reaches > 0 and call.name in _READING:
            waits = _none_may_wake(worker, process) and empties(process.pid, fd)
        runs = process.watch.look(tid)[0] if waits else b""
        react(self._state, pending)
        task = process.tasks.get(tid)
        if isinstance(task, TraceeThread) and not self._queueing and task.status is not Status.MOVING:
            # Between schedules no lane is there to act for.
            kernel_waits(self._state, pending, process)
            task.resume()
            respond(process, pending.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
        elif task is not None and task.pending is pending and task.status is not Status.MOVING:
            process.settle(at_rest)
        elif waits:
            process.reads_empty_pipe(tid, PipeReader(fd, reaches, runs))
        elif reaches != NO_SLEEPER:
            process.may_wake_others(call.name not in _READING)
            _disturb(worker, process, reaches)

    def _line_up(self, worker: Worker, pipe: int, another: bool) -> None:
        """Wait until the threads that read from a pipe sleep in it, where there are several.

        A pipe wakes its readers in the order in which they came. A thread that was let into an empty one is
        known to wait there without a look, but not since when: of several, the one that came
        later must not be faster, neither into the line nor to what is written meanwhile.

        Args:
            worker: whose processes they are.
            pipe: its number.
            another: one more is about to read; else a thread is about to write.
        """
        readers = [
            (process, tid, reader.runs)
            for process in worker.processes()
            for tid, reader in process.pipe_readers.items()
            if reader.pipe == pipe
        ]
        if len(readers) + another < 2:  # noqa: PLR2004
            return
        for process, tid, runs in readers:
            while not process.watch.sleeps(tid, runs):
                if self._patience.over():
                    return
                time.sleep(_PAUSE_S)

    # Proof

    def _prove(self, worker: Worker) -> Rest | None:
        """Return the proof that every task sleeps that is not known to be stopped, and note it."""
        if worker.board.code.attended:
            return None
        if process_tree.list_children(self._state, worker):
            return None
        moving = [process for process in worker.processes() if not process.quiescent]
        rest = same_twice(
            [(one.pid, one.stopped(), one.vforking, one.watch) for one in moving],
            self._state.signals.stopping,
        )
        if rest is None or process_tree.list_children(self._state, worker):
            return None
        pidfds = [tracee.pidfd for tracee in worker.tracees.values()]
        if select.select([worker.listener, worker.pidfd, *pidfds], (), (), 0)[0]:
            return None
        for process, tids in zip(moving, rest.tasks, strict=True):
            # A task that sleeps in the middle of a call that may fill a pipe still may, once it is woken.
            process.proved_at_rest(bool(tids))
            if isinstance(process, TraceeProcess):
                process.forget_ended_threads()
        for process in worker.processes():
            process.children_listed()
        return rest


def _has_clock(process: Process) -> bool:
    """Return whether a process is a program with virtual time."""
    return isinstance(process, TraceeProcess) and process.program.clock is not None


def _all_known(worker: Worker) -> bool:
    """Return whether every process is known to be at rest."""
    if not worker.quiescent or worker.cloned:
        return False
    return all(tracee.quiescent and not tracee.cloned for tracee in worker.tracees.values())


def _reach(process: Process, pending: PendingSyscall) -> int:
    """Return which sleepers a call may wake, see `pipe_wait.reach`."""
    call = pending.call
    if call.kind not in _WAKING and call.name not in _READING:
        return NO_SLEEPER
    return reach(process.pid, signed(pending.args[call.fd])) if call.fd >= 0 else ANY_SLEEPER


def _none_may_wake(worker: Worker, by: Process) -> bool:
    """Return whether no other process is still in a call that may fill a pipe."""
    others = [process for process in worker.processes() if process is not by and not process.quiescent]
    return not any(process.may_wake or process.several_move() for process in others)


def _disturb(worker: Worker, by: Process | None, pipe: int) -> None:
    """Discard the sleep proof of threads that a process may have woken.

    Args:
        worker: whose processes they are.
        by: the process that may have woken them; None for any.
        pipe: only threads that read from this pipe, or sleep otherwise; `ANY_SLEEPER` for all.
    """
    for process in worker.processes():
        if process is not by:
            process.disturb(pipe)


def _asks_for_ends(process: Process) -> bool:
    return all(pending.call.kind == "reap" for pending in process.queued.values())


def _birth_order(process: Process) -> dict[int, int]:
    """Return the place of each thread in the order of birth; that of a lane is its index."""
    return {
        tid: task.number if isinstance(task, TraceeThread) else task.index
        for tid, task in process.tasks.items()
    }
