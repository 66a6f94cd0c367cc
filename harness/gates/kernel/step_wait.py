"""Waiting for the end of a step, in one of three ways.

A worker alone is waited for by `single_process`, one with child processes by `process_scheduler`, and one
whose child processes are all services that flow by `fast_path`.
"""

from __future__ import annotations

from harness.gates.kernel import fast_path, process_tree
from harness.gates.kernel.adapter_waits import let_end
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.process_scheduler import ProcessScheduler
from harness.gates.kernel.quiescence import Halted
from harness.gates.kernel.single_process import SingleProcess
from harness.gates.kernel.supervisor_state import SupervisorState

__all__ = ["StepWait"]


class StepWait:
    """Waits for the lanes of one gate.

    Args:
        state: of the supervisor.
    """

    def __init__(self, state: SupervisorState) -> None:
        self._state = state
        self._scheduler = ProcessScheduler(state)
        self._single = SingleProcess(state, self._scheduler)
        #: Wait for a lane of a worker without child processes.
        self.without_children = self._single.wait
        #: Receive one notification of a worker that is being started, and react to it.
        self.receive_one = self._single.receive_one

    def with_children(self, worker: Worker, lane: Lane) -> None:
        """Wait until the lane that was let go is stopped, sleeps, or is gone."""
        while True:
            try:
                if not (fast_path.applies(worker) and fast_path.follow(self._state, worker, lane)):
                    self._scheduler.wait(worker, lane)
                    let_end(self._state, self._scheduler, worker, lane)
                return
            except Halted as halted:
                process_tree.worker_halted(self._state, worker, halted)
                if worker.must_replace:
                    return

    def outwait(self, worker: Worker) -> bool:
        """Wait for processes that sleep in calls which real time ends.

        Returns:
            Whether a lane of the worker is stopped again.
        """
        if worker.must_replace:
            # It is gone, or its lanes are: what it started wakes none of them.
            return False
        while True:
            try:
                if worker.has_children:
                    return self._scheduler.outwait(worker)
                return worker.sleeping_lanes > 0 and self._single.outwait(worker)
            except Halted as halted:
                process_tree.worker_halted(self._state, worker, halted)
                if worker.must_replace:
                    return True
