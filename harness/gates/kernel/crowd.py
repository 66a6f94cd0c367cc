"""Whose turn it is among the processes of one worker's family, and for which lane they act.

The family is the worker and all that it started. One process of it moves at a time: what
another one calls meanwhile is held until it is its turn, the worker first, then in the
order of birth. So what they do to each other through pipes comes in the same order every time.
When all of them stand in the session directory, or provably sleep, the step is over,
and each lane is shown as standing where the first of those that act for it can go on.

Threads of one process have no turns among themselves; of several that stand the first in the
order of birth is let go first.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from harness.gates.kernel import abi
from harness.gates.kernel.calls import FLOCK
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, Space, Stand, Status, Worker, answer
from harness.gates.kernel.processes import orphans
from harness.gates.kernel.tasks import children_of, family_of, same_twice, timed
from harness.gates.kernel.units import Served, Task, Unit
from harness.gates.kernel.world import World
from harness.history import LockEvent
from harness.stops import ASK, SERVE

if TYPE_CHECKING:
    from harness.gates.kernel.intake import Intake

__all__ = ["Crowd"]

#: How long to wait for the next notice before looking whether anybody still moves.
_PAUSE_S, _PAUSE_MAX_S = 0.00003, 0.001
_REAP_S = 2.0
#: Of the watchdog, until somebody who is thought to move is looked for.
_TICKS_MAX = 2
#: Outside the session directory these may wake somebody who sleeps: at a pipe, for a child, for a lock.
_WAKING = frozenset({"data", "close", "table", "task", "wake", "lock"})
_READING = frozenset({"read", "readv", "preadv2"})
_RANK = {Status.FILE: 0, Status.THINK: 0, Status.TURN: 0, Status.SLEEP: 1, Status.FLOCK: 2}
_LAST = 3


class Crowd:
    """Takes over waiting for a lane while its worker has a family.

    Args:
        intake: acts on notices and keeps doubts.
        world: tells what is inside.
        flocks: who holds what.
        wall_limit_s: a family that neither stops nor sleeps for so long makes the
            schedule inconclusive.

    Attributes:
        event_of_end: told what the end of a process did to the write lock.
    """

    def __init__(self, intake: Intake, world: World, flocks: Flocks, wall_limit_s: float) -> None:
        self._intake = intake
        self._world = world
        self._flocks = flocks
        self._wall_limit_s = wall_limit_s
        self._turn: Space | None = None
        #: Whether notices of those whose turn it is not are held.
        self._holding = False
        #: Whether one thing at a time moves; and whether it has stopped.
        self._flowing = self._stopped = False
        self._workers: dict[int, Worker] = {}
        flocks.others = self._others
        self.event_of_end: Callable[[LockEvent], None] = lambda event: None

    def _others(self) -> Iterator[Task]:
        for worker in self._workers.values():
            for unit in worker.units.values():
                yield from unit.by_tid.values()

    # What a lane's wait is

    def wait(self, worker: Worker, lane: Lane) -> None:
        """Until everybody of the family stands, sleeps, or is gone.

        Args:
            worker: whose family.
            lane: was let go.
        """
        actor = lane.actor
        self._unmask(worker)
        if self._flows(worker) and self._follow(worker, lane):
            return
        turn: Space = worker if actor is None else actor.unit
        turn.quiet = False
        if actor is not None and actor.stand.call.kind == "lock":
            self._stir(worker, turn)
        self._drive(worker, turn)

    @staticmethod
    def _flows(worker: Worker) -> bool:
        """Whether nobody but services that flow belongs to the family."""
        if worker.cloned or not worker.units:
            return False
        for unit in worker.units.values():
            if unit.served is None or not unit.served.flows or unit.cloned or unit.stale:
                return False
        return True

    def _follow(self, worker: Worker, lane: Lane) -> bool:
        """Until somebody stops: the lane itself, or who acts for it; False when that takes too long."""
        # What is known by looks is so no more.
        worker.quiet = False
        for unit in worker.units.values():
            if unit.served is not None and unit.served.asking:
                unit.quiet = False
        self._flowing, self._stopped = True, False
        ticks = 0
        try:
            while not self._stopped:
                try:
                    self._intake.take(worker)
                except InterruptedError:
                    ticks += 1
                    if ticks > _TICKS_MAX:
                        return False
                except FileNotFoundError:
                    return False
                if not worker.units:
                    return False
        finally:
            self._flowing = False
        self._attribute(worker)
        for one in worker.lanes:
            self._choose(worker, one)
        return True

    def _drive(self, worker: Worker, turn: Space | None) -> None:
        self._turn, self._holding = turn, True
        try:
            while self._collect(worker) and self._next_turn(worker):
                pass
        finally:
            self._turn, self._holding = None, False
        self._attribute(worker)
        for lane in worker.lanes:
            self._choose(worker, lane)
        worker.crowded = bool(worker.units)

    def _collect(self, worker: Worker) -> bool:
        """Until everybody is held, stands or sleeps; False when that cannot be had."""
        deadline = 0.0
        pause_s = _PAUSE_S
        while not _known(worker):
            pidfds = {unit.pidfd: unit for unit in worker.units.values()}
            ready = select.select([worker.listener, worker.pidfd, *pidfds], (), (), pause_s)[0]
            if worker.listener in ready:
                with contextlib.suppress(InterruptedError, FileNotFoundError):
                    self._intake.take(worker)
                    pause_s = _PAUSE_S
                    continue
            if worker.pidfd in ready:
                self._intake.gone(worker)
                return False
            ended = [unit for fd, unit in pidfds.items() if fd in ready]
            for unit in ended:
                self._bury(worker, unit)
            if ended or self._prove(worker):
                continue
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
            deadline = deadline or time.monotonic() + self._wall_limit_s
            if time.monotonic() > deadline:
                self._intake.give_up(worker)
                return False
        return True

    def _next_turn(self, worker: Worker) -> bool:
        """Let the first go on that is held; False when nobody is."""
        for space in (worker, *worker.units.values()):
            if space.held:
                self._turn = space
                order = _order(space)
                for tid in sorted(space.held, key=lambda tid: order.get(tid, len(order))):
                    self._act(worker, space, space.held.pop(tid))
                return True
        return False

    # Notices

    def arrived(self, worker: Worker, stand: Stand) -> None:
        """Somebody of the family has stopped before a call."""
        space = self._space_of(worker, stand.tid)
        if space is None:
            # Its doubt is noted; killed, or not to be examined.
            answer(worker, stand.trap_id, error=-5)
            return
        stand.space = space
        space.vforking.discard(stand.tid)
        if self._flowing or not self._holding or space is self._turn:
            self._act(worker, space, stand)
            return
        if isinstance(space, Unit):
            space.task(stand.tid)
        space.held[stand.tid] = stand
        if _accounted(space):
            space.quiet, space.sleeps = True, False

    def _act(self, worker: Worker, space: Space, stand: Stand) -> None:
        """Answer a call, or leave standing who makes it."""
        space.quiet = False
        tid = stand.tid
        if isinstance(space, Unit):
            if space.stale:
                try:
                    space.renew()
                except OSError:
                    self._intake.doubt(f"a program that process {worker.name} started may not be examined")
                self._world.abandoned()
            task = space.task(tid)
            task.status, task.lane = Status.MOVING, None
        else:
            lane = worker.by_tid.get(tid)
            if lane is not None and lane.status is Status.ASLEEP:
                lane.status = Status.MOVING
                worker.sleepers -= 1
        self._intake.act_on(space, tid, stand)
        actor = space.by_tid.get(tid)
        if self._flowing:
            self._stopped |= actor is not None and actor.stand is stand and actor.status is not Status.MOVING
        elif isinstance(actor, Task) and not self._holding and actor.status is not Status.MOVING:
            # Between schedules nothing in the directory is anybody's.
            actor.status = Status.MOVING
            answer(space, stand.trap_id, flags=abi.RESPONSE_CONTINUE)
        elif actor is not None and actor.stand is stand and actor.status is not Status.MOVING:
            if _accounted(space):
                space.quiet, space.sleeps = True, False
        elif stand.call.kind in _WAKING or stand.call.name in _READING:
            self._stir(worker, space)

    @staticmethod
    def _stir(worker: Worker, by: Space | None) -> None:
        """Who sleeps may have been woken."""
        for space in (worker, *worker.units.values()):
            if space is not by and space.sleeps:
                space.quiet = False

    # Proof

    def _prove(self, worker: Worker) -> bool:
        """Whether whoever is not known to stand sleeps for sure; then it is noted."""
        if self._list_children(worker):
            return False
        moving = [space for space in (worker, *worker.units.values()) if not space.quiet]
        sleeping = same_twice([(space.pid, _standing(space), space.vforking) for space in moving])
        if sleeping is None or self._list_children(worker):
            return False
        pidfds = [unit.pidfd for unit in worker.units.values()]
        if select.select([worker.listener, worker.pidfd, *pidfds], (), (), 0)[0]:
            return False
        for space, tids in zip(moving, sleeping, strict=True):
            space.quiet, space.sleeps = True, bool(tids)
            if isinstance(space, Unit):
                space.forget_ended()
        for space in (worker, *worker.units.values()):
            space.cloned = False
        for lane in worker.lanes:
            if lane.status is Status.MOVING:
                lane.status = Status.ASLEEP
                worker.sleepers += 1
        return True

    # Who belongs to the family

    def forks(self, space: Space, tid: int, vfork: bool) -> None:
        """A process is about to be started.

        Args:
            space: by which process.
            tid: by which thread.
            vfork: that thread waits until the child has another program or is gone.
        """
        worker = space.worker if isinstance(space, Unit) else space
        assert isinstance(worker, Worker)
        self._workers[worker.pid] = worker
        if space.cloned:
            # The one before gets its number first.
            self._list_children(worker)
        space.cloned = True
        if vfork:
            space.vforking.add(tid)
        if space is worker:
            worker.cloner = worker.by_tid.get(tid)
        if not worker.crowded:
            worker.quiet = worker.sleeps = False
        worker.forked = worker.crowded = True
        self._world.shared()

    def threads(self, space: Space) -> None:
        """A thread is about to be started."""
        if isinstance(space, Unit):
            space.threaded = True

    def becomes(self, space: Space) -> None:
        """A process is about to become another program."""
        if isinstance(space, Unit):
            space.stale = True
            space.threaded = False
            self._world.shared()

    def told(self, worker: Worker, lane: Lane | None, why: int, pid: int, how: int) -> None:
        """What a worker said of a child that serves several lanes, see `harness.services`."""
        if why == SERVE:
            self._list_children(worker)
            served = worker.served[pid] = Served(pid, bool(how & 1), bool(how & 2))
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

    def _space_of(self, worker: Worker, tid: int) -> Space | None:
        if tid == worker.pid or tid in worker.by_tid:
            return worker
        for unit in worker.units.values():
            if tid in unit.by_tid or tid == unit.pid:
                return unit
        pid, parent = family_of(tid)
        if pid == worker.pid:
            return worker
        if pid and pid not in worker.units:
            self._list_children(worker)
        if pid and pid not in worker.units:
            self._register(worker, pid, worker if parent == worker.pid else worker.units.get(parent))
        return worker.units.get(pid)

    def _list_children(self, worker: Worker) -> bool:
        """Take in who was born, in that order; whether anybody was."""
        before = worker.births
        for space in (worker, *worker.units.values()):
            if space.cloned:
                for pid in children_of(space.pid):
                    if pid not in worker.units:
                        self._register(worker, pid, space)
        return worker.births > before

    def _register(self, worker: Worker, pid: int, parent: Space | None) -> None:
        lane, served = None, worker.served.get(pid)
        if parent is worker:
            lane = worker.cloner
        elif isinstance(parent, Unit):
            lane, served = parent.lane, parent.served
        else:
            # Its parent is gone already: whoever acts for one lane alone has it from there.
            lanes = {unit.lane for unit in worker.units.values()} | {worker.cloner}
            lane = lanes.pop() if len(lanes) == 1 else None
        try:
            unit = Unit(worker, pid, worker.births, lane, served)
        except OSError:
            if os.path.exists(f"/proc/{pid}/task/{pid}") and not _is_zombie(pid):
                self._intake.doubt(f"a process that {worker.name} started may not be examined")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return
        worker.births += 1
        worker.units[pid] = unit
        worker.crowded = True

    def _bury(self, worker: Worker, unit: Unit) -> None:
        """A process of the family has ended."""
        if self._intake.in_call and self._intake.in_call in unit.by_tid:
            self._intake.call_returned()
        del worker.units[unit.pid]
        self._stir(worker, None)
        if unit.cloned:
            # What it started comes to us.
            for pid in orphans():
                if pid not in worker.units:
                    self._register(worker, pid, unit)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(unit.pid, os.WNOHANG)
        unit.close()
        self._world.abandoned()
        free, event = self._flocks.left()
        for node in free:
            self._flocks.wake(worker.lanes, node)
        if event is not None:
            self.event_of_end(event)
        if unit.served is not None and unit.pid == unit.served.pid:
            self._intake.doubt(f"a child of process {worker.name} that serves its lanes has ended")
            worker.served.pop(unit.pid, None)
            worker.dirty = True

    # In whose name

    def _attribute(self, worker: Worker) -> None:
        """Say for which lane everybody stands who has just stopped."""
        for unit in worker.units.values():
            for task in unit.by_tid.values():
                if task.status is Status.MOVING or task.lane is not None:
                    continue
                lane = unit.lane if unit.served is None else unit.served.lane()
                if lane is not None:
                    task.lane = lane
                    task.asked = False
                    if task.stand.call is FLOCK and self._flocks.must_wait(task.stand):
                        task.status = Status.FLOCK
                elif task.status is Status.SLEEP:
                    # Nobody's sleep lasts as long as it lasts.
                    answer(unit, task.stand.trap_id, flags=abi.RESPONSE_CONTINUE)
                    task.status, unit.sleeps = Status.MOVING, True
                else:
                    self._intake.doubt(_nobodys(worker, unit))

    def choose_again(self, lanes: Iterable[Lane]) -> None:
        """Locks were let go, or could not be had: somebody else may be the first who can go on."""
        for lane in lanes:
            if lane.worker is not None and lane.worker.crowded:
                self._unmask_one(lane)
                self._choose(lane.worker, lane)

    def _choose(self, worker: Worker, lane: Lane) -> None:
        """Show a lane as standing where the first stands who can go on for it."""
        best = (_RANK.get(lane.status, _LAST), lane.wake_ns if lane.status is Status.SLEEP else 0)
        chosen: Task | None = None
        for unit in worker.units.values():
            for task in sorted(unit.by_tid.values(), key=lambda task: task.number):
                if task.lane is lane and task.status is not Status.MOVING:
                    key = (_RANK.get(task.status, _LAST), task.wake_ns if task.status is Status.SLEEP else 0)
                    if key < best:
                        best, chosen = key, task
        if chosen is not None:
            lane.own = lane.stand, lane.status, lane.wake_ns, lane.asked
            lane.actor = chosen
            lane.stand, lane.status = chosen.stand, chosen.status
            lane.wake_ns, lane.asked = chosen.wake_ns, chosen.asked
        lane.candidate = None

    def _unmask(self, worker: Worker) -> None:
        for lane in worker.lanes:
            self._unmask_one(lane)

    @staticmethod
    def _unmask_one(lane: Lane) -> None:
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

    # The end

    def outwait(self, worker: Worker) -> bool:
        """Wait for a family of whom somebody sleeps in a call that time will end by itself.

        Returns:
            Whether a lane of it stands again.
        """
        if not worker.sleepers and all(unit.served is not None for unit in worker.units.values()):
            return False
        deadline = time.monotonic() + self._wall_limit_s
        while not worker.dirty:
            self._unmask(worker)
            self._stir(worker, None)
            moved = not self._prove(worker)
            if not moved and not any(timed(space.pid) for space in (worker, *worker.units.values())):
                break
            if moved:
                self._drive(worker, None)
                if any(lane.status in _RANK for lane in worker.lanes) or self._intake.inconclusive:
                    return True
            if time.monotonic() > deadline:
                self._intake.give_up(worker)
                return True
            time.sleep(_PAUSE_MAX_S)
        for lane in worker.lanes:
            self._choose(worker, lane)
        return worker.dirty

    def finish(self, worker: Worker) -> None:
        """The schedule is over: end what its lanes started; what serves them has to be at rest."""
        # A lane that waits for an flock does so whoever acts for it.
        waiting = [lane for lane in worker.lanes if lane.status is Status.FLOCK]
        self._unmask(worker)
        if not worker.crowded:
            return
        left = [unit for unit in worker.units.values() if unit.served is None]
        for unit in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(unit.pid, signal.SIGKILL)
        for unit in left:
            worker.dirty = True
            if select.select([unit.pidfd], (), (), _REAP_S)[0]:
                self._bury(worker, unit)
        for served in worker.served.values():
            if served.asking:
                worker.dirty = True
                owed = [lane for lane in served.asking if lane not in waiting]
                if not owed:
                    continue
                names = " and ".join(str(lane.index) for lane in owed)
                self._intake.doubt(
                    f"a child of process {worker.name} that serves its lanes owes an answer to lane {names}"
                )
        for unit in worker.units.values():
            worker.dirty |= not unit.quiet or bool(unit.held) or bool(_standing(unit))
        worker.crowded = bool(worker.units)


def _known(worker: Worker) -> bool:
    """Whether it is known of everybody that they do not move."""
    if not worker.quiet or worker.cloned:
        return False
    return all(unit.quiet and not unit.cloned for unit in worker.units.values())


def _accounted(space: Space) -> bool:
    """Whether every thread of a process is known to stand or to be held, without a look."""
    if isinstance(space, Unit):
        return len(space.by_tid) == 1 and not space.threaded and bool(space.held or _standing(space))
    return len(_standing(space)) == len(space.by_tid)


def _standing(space: Space) -> set[int]:
    """Threads of which it is known that they do not run."""
    moving = (Status.MOVING, Status.ASLEEP)
    standing = {tid for tid, actor in space.by_tid.items() if actor.status not in moving}
    return standing.union(space.held)


def _order(space: Space) -> dict[int, int]:
    """Threads of a process by their place in the order of birth, lanes by their index."""
    return {
        tid: actor.number if isinstance(actor, Task) else actor.index for tid, actor in space.by_tid.items()
    }


def _is_zombie(pid: int) -> bool:
    return same_twice([(pid, set(), set())]) is not None


def _nobodys(worker: Worker, unit: Unit) -> str:
    if unit.served is not None:
        return (
            f"a child of process {worker.name} that serves its lanes touched the session directory "
            f"{unit.served.why()}"
        )
    return f"a child of process {worker.name} touched the session directory, and no lane had started it"
