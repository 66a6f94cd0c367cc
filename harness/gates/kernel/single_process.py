"""Waiting for a lane whose worker has no child process.

As long as every other lane of the process is stopped, the next notification proves
that the step is over. With lanes asleep in the kernel more than one task
may move, and each has to be accounted for.
"""

from __future__ import annotations

import select
import time

from harness.gates.kernel import process_tree, quiescence
from harness.gates.kernel.interference import Patience
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.notifications import react, receive
from harness.gates.kernel.process import Status
from harness.gates.kernel.process_scheduler import ProcessScheduler
from harness.gates.kernel.stuck_worker import worker_timed_out
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["SingleProcess"]

_POLL_MS = 1
_MOVING = Status.MOVING


class SingleProcess:
    """Waits for lanes whose worker has no child process.

    Args:
        state: of the supervisor.
        scheduler: takes the calls of processes that are started meanwhile.
    """

    def __init__(self, state: SupervisorState, scheduler: ProcessScheduler) -> None:
        self._state = state
        self._scheduler = scheduler

    def wait(self, worker: Worker, lane: Lane) -> bool:
        """Wait until the lane that was let go is stopped, sleeps, or is gone.

        Returns:
            False when the worker has started a process meanwhile, so that more has to come to rest.
        """
        state = self._state
        patience: Patience | None = None
        while lane.status is _MOVING:
            try:
                if worker.sleeping_lanes:
                    self._wait_for_all(worker)
                    return True
                try:
                    react(state, receive(state, worker))
                    if patience is not None:
                        patience.made_call()
                except InterruptedError:
                    patience = patience or Patience(state.wall_limit_s, worker.pid)
                    if self._sleeps(worker):
                        worker.mark_sleeping_lanes()
                    elif patience.over():
                        worker_timed_out(state, worker, patience.computed)
                except FileNotFoundError:
                    process_tree.worker_ended(worker)
            except quiescence.Halted as halted:
                process_tree.worker_halted(state, worker, halted)
            if worker.has_children:
                return False
        return True

    def outwait(self, worker: Worker) -> bool:
        """Wait for a process whose lanes sleep in calls that real time ends.

        Returns:
            Whether a lane of it is stopped again.
        """
        patience = Patience(self._state.wall_limit_s)
        while worker.sleeping_lanes:
            # The proof says in which calls they sleep: at a later look one might have just been woken.
            rest = self._sleeps(worker)
            if rest is not None and not rest.ends_by_time:
                return False
            asleep = worker.sleeping_lanes
            self._wait_for_all(worker)
            if worker.sleeping_lanes < asleep or worker.must_replace:
                return True
            if patience.over():
                worker_timed_out(self._state, worker)
                return True
            time.sleep(_POLL_MS / 1000)
        return False

    def receive_one(self, worker: Worker) -> None:
        """Receive one notification and react to it.

        Raises:
            InterruptedError: the watchdog's tick came first.
            FileNotFoundError: no process is left behind the listener.
        """
        pending = receive(self._state, worker)
        if worker.has_children:
            self._scheduler.admit(worker, pending)
        else:
            react(self._state, pending)

    def _wait_for_all(self, worker: Worker) -> None:
        """Wait until every task of the process is stopped or sleeps."""
        poll = select.poll()
        poll.register(worker.listener, select.POLLIN)
        patience = Patience(self._state.wall_limit_s, worker.pid)
        while True:
            ready = poll.poll(_POLL_MS)
            if ready and ready[0][1] & select.POLLIN:
                try:
                    self.receive_one(worker)
                    patience.made_call()
                except InterruptedError:
                    continue
                except FileNotFoundError:
                    if not worker.handle.is_alive():
                        process_tree.worker_ended(worker)
                        return
            elif ready or not worker.handle.is_alive():
                process_tree.worker_ended(worker)
                return
            elif self._sleeps(worker):
                worker.mark_sleeping_lanes()
                return
            elif patience.over():
                worker_timed_out(self._state, worker, patience.computed)
                return

    def _sleeps(self, worker: Worker) -> quiescence.Rest | None:
        """Return the proof that every task is stopped or sleeps, with no notification waiting."""
        if worker.board.code.attended:
            # A lane stands in a debugger, and its user thinks.
            return None
        stopped = {
            tid
            for tid, lane in worker.tasks.items()
            if lane.status is not Status.MOVING and lane.status is not Status.ASLEEP
        }
        rest = quiescence.asleep(worker.pid, stopped, self._state.signals.stopping)
        if rest is None:
            return None
        poll = select.poll()
        poll.register(worker.listener, select.POLLIN)
        return None if poll.poll(0) else rest
