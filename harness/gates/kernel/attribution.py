"""In whose name somebody stands, and how a lane is shown that has others to act for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.gates.kernel import linux_abi
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, Status, Worker, answer
from harness.gates.kernel.syscall_table import FLOCK
from harness.gates.kernel.tracee import TraceeProcess, TraceeThread

if TYPE_CHECKING:
    from harness.gates.kernel.notifications import Notifications

__all__ = ["RANK", "attribute", "attribute_one", "choose", "choose_again", "unmask", "unmask_one"]

#: Who can go on comes before who only may, later; whatever else there is comes last.
RANK = {Status.FILE: 0, Status.THINK: 0, Status.TURN: 0, Status.SLEEP: 1, Status.FLOCK: 2}
_LAST = 3


def attribute(intake: Notifications, flocks: Flocks, worker: Worker) -> None:
    """Say for which lane everybody stands who has just stopped."""
    for unit in worker.units.values():
        for task in unit.by_tid.values():
            if task.status is not Status.MOVING and task.lane is None:
                attribute_one(intake, flocks, task)


def attribute_one(intake: Notifications, flocks: Flocks, task: TraceeThread) -> None:
    """Say for which lane a thread stands that has just stopped."""
    unit = task.unit
    lane = unit.lane if unit.served is None else unit.served.lane()
    if lane is not None:
        task.lane = lane
        task.asked = False
        if task.stand.call is FLOCK and flocks.must_wait(task.stand):
            task.status = Status.FLOCK
            task.stand.waited = True
    elif task.status is Status.SLEEP:
        # Nobody's sleep lasts as long as it lasts.
        answer(unit, task.stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
        task.status, unit.sleeps = Status.MOVING, True
    else:
        intake.doubt(_nobodys(unit.worker, unit))


def choose_again(lanes: Iterable[Lane]) -> None:
    """Locks were let go, or could not be had: somebody else may be the first who can go on."""
    for lane in lanes:
        if lane.worker is not None and lane.worker.crowded:
            unmask_one(lane)
            choose(lane.worker, lane)


def choose(worker: Worker, lane: Lane) -> None:
    """Show a lane as standing where the first stands who can go on for it."""
    best = (RANK.get(lane.status, _LAST), lane.wake_ns if lane.status is Status.SLEEP else 0, -1, -1)
    chosen: TraceeThread | None = None
    for unit in worker.units.values():
        for task in unit.by_tid.values():
            if task.lane is lane and task.status is not Status.MOVING:
                wake_ns = task.wake_ns if task.status is Status.SLEEP else 0
                key = (RANK.get(task.status, _LAST), wake_ns, unit.number, task.number)
                if key < best:
                    best, chosen = key, task
    if chosen is not None:
        lane.own = lane.stand, lane.status, lane.wake_ns, lane.asked
        lane.actor = chosen
        lane.stand, lane.status = chosen.stand, chosen.status
        lane.wake_ns, lane.asked = chosen.wake_ns, chosen.asked
    lane.candidate = None


def unmask(worker: Worker) -> None:
    """Show every lane as it stands itself."""
    for lane in worker.lanes:
        unmask_one(lane)


def unmask_one(lane: Lane) -> None:
    """Show a lane as it stands itself."""
    actor = lane.actor
    if actor is None:
        return
    assert lane.own is not None
    actor.stand, actor.status, actor.wake_ns, actor.asked = (
        lane.stand, lane.status, lane.wake_ns, lane.asked,
    )  # fmt: skip
    lane.stand, lane.status, lane.wake_ns, lane.asked = lane.own
    lane.actor = lane.own = None


def _nobodys(worker: Worker, unit: TraceeProcess) -> str:
    if unit.served is not None:
        return (
            f"a child of process {worker.name} that serves its lanes touched the session directory "
            f"{unit.served.why()}"
        )
    return f"a child of process {worker.name} touched the session directory, and no lane had started it"
