"""Waiting for a family in which one thing at a time moves, like a row of dominoes: nobody is looked at.

A service that says it flows (`harness.lanes.child_services`) does nothing but what follows from the one
thing before. So the next call of anybody in the family that has to stop is the end of the
step. Were that not so, a thread would stop when nobody expects it; it would still stand
before each of its calls and be attributed as ever, but histories would not repeat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.gates.kernel.attribution import attribute_one, choose, unmask_one
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Status, Worker
from harness.gates.kernel.process_tree import ProcessTree
from harness.gates.kernel.tracee import TraceeProcess, TraceeThread

if TYPE_CHECKING:
    from harness.gates.kernel.notifications import Notifications

__all__ = ["FastPath"]

#: Of the watchdog, until somebody who is thought to move is looked for.
_TICKS_MAX = 2


class FastPath:
    """Follows the one thing that moves.

    Args:
        intake: takes notices.
        flocks: who holds what.
        family: births and deaths.

    Attributes:
        active: whether it does so now.
    """

    def __init__(self, intake: Notifications, flocks: Flocks, family: ProcessTree) -> None:
        self._intake = intake
        self._flocks = flocks
        self._family = family
        self._stopped: Lane | TraceeThread | None = None
        self.active = False

    @staticmethod
    def applies(worker: Worker) -> bool:
        """Whether nobody but services that flow belongs to the family."""
        if worker.cloned or not worker.units:
            return False
        for unit in worker.units.values():
            if unit.served is None or not unit.served.flows or unit.cloned or unit.stale:
                return False
        return True

    def follow(self, worker: Worker, lane: Lane) -> bool:
        """Until somebody stops: the lane that was let go, or who acts for it.

        Returns:
            False when nobody does for so long that somebody has to look.
        """
        unmask_one(lane)
        # What is known of them by looks is so no more.
        worker.quiet = False
        _stir(worker)
        if not self._until_stopped(worker):
            # Meanwhile somebody else may have been asked, and been let do what nobody looked at.
            worker.waking = True
            _stir(worker)
            return False
        stopped = self._stopped
        if isinstance(stopped, TraceeThread):
            attribute_one(self._intake, self._flocks, stopped)
            if stopped.lane is not None and stopped.lane is not lane:
                unmask_one(stopped.lane)
                choose(worker, stopped.lane)
        choose(worker, lane)
        return True

    def _until_stopped(self, worker: Worker) -> bool:
        self.active, self._stopped = True, None
        self._intake.flowing = worker.flow
        ticks = 0
        try:
            while self._stopped is None:
                try:
                    self._intake.take(worker)
                except InterruptedError:
                    ticks += 1
                    if ticks > _TICKS_MAX:
                        return False
                except FileNotFoundError:
                    return False
        finally:
            self.active, self._intake.flowing = False, {}
        return True

    def arrived(self, worker: Worker, space: Process, stand: PendingSyscall) -> None:
        """Somebody has stopped before a call."""
        tid = stand.tid
        self._family.moves(worker, space, tid)
        if isinstance(space, TraceeProcess):
            worker.flow[tid] = space
        self._intake.act_on(space, tid, stand)
        actor = space.by_tid.get(tid)
        if actor is not None and actor.stand is stand and actor.status is not Status.MOVING:
            self._stopped = actor


def _stir(worker: Worker) -> None:
    """Whoever has been asked for something may move, and wake others."""
    for unit in worker.units.values():
        if unit.served is not None and unit.served.asking:
            unit.quiet, unit.waking = False, True
