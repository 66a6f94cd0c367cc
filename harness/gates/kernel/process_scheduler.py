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
from typing import TYPE_CHECKING

from harness.gates.kernel import linux_abi
from harness.gates.kernel.attribution import RANK, attribute, choose, unmask
from harness.gates.kernel.fast_path import FastPath
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Process, Reader, Status, Worker, answer
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.pipe_wait import NOBODY, UNKNOWN, empties, reach
from harness.gates.kernel.process_tree import ProcessTree
from harness.gates.kernel.quiescence import same_twice, timed
from harness.gates.kernel.tracee import TraceeProcess, TraceeThread, accounted, several, standing
from harness.gates.kernel.virtual_files import VirtualFiles

if TYPE_CHECKING:
    from harness.gates.kernel.notifications import Notifications

__all__ = ["ProcessScheduler"]

#: How long to wait for the next notice before looking whether anybody still moves.
_PAUSE_S, _PAUSE_MAX_S = 0.00003, 0.001
_REAP_S = 2.0
#: Outside the session directory these may wake somebody who sleeps: at a pipe, for a child, for a lock.
_WAKING = frozenset({"data", "close", "table", "task", "wake", "lock"})
_READING = frozenset({"read", "readv"})


class ProcessScheduler:
    """Takes over waiting for a lane while its worker has a family.

    Args:
        intake: acts on notices and keeps doubts.
        world: tells what is inside.
        flocks: who holds what.
        wall_limit_s: a family that neither stops nor sleeps for so long makes the
            schedule inconclusive.

    Attributes:
        family: births and deaths.
    """

    def __init__(
        self, intake: Notifications, world: VirtualFiles, flocks: Flocks, wall_limit_s: float
    ) -> None:
        self._intake = intake
        self._flocks = flocks
        self._wall_limit_s = wall_limit_s
        self._turn: Process | None = None
        #: Whether notices of those whose turn it is not are held.
        self._holding = False
        self._deadline = 0.0
        self.family = ProcessTree(intake, world, flocks)
        self._flow = FastPath(intake, flocks, self.family)

    # What a lane's wait is

    def wait(self, worker: Worker, lane: Lane) -> None:
        """Until everybody of the family stands, sleeps, or is gone.

        Args:
            worker: whose family.
            lane: was let go.
        """
        actor = lane.actor
        if self._flow.applies(worker) and self._flow.follow(worker, lane):
            return
        unmask(worker)
        turn: Process = worker if actor is None else actor.unit
        turn.quiet = False
        if actor is not None and actor.stand.call.kind == "lock":
            self._stir(worker, turn, UNKNOWN)
        self._drive(worker, turn)

    def _drive(self, worker: Worker, turn: Process | None) -> None:
        self._turn, self._holding = turn, True
        self._deadline = time.monotonic() + self._wall_limit_s
        try:
            while self._collect(worker) and self._next_turn(worker):
                pass
        finally:
            self._turn, self._holding = None, False
        for lane in worker.lanes:
            if lane.status is Status.MOVING:
                lane.status = Status.ASLEEP
                worker.sleepers += 1
        attribute(self._intake, self._flocks, worker)
        for lane in worker.lanes:
            choose(worker, lane)
        worker.crowded = bool(worker.units)

    def _collect(self, worker: Worker) -> bool:
        """Until everybody is held, stands or sleeps; False when that cannot be had."""
        pause_s = _PAUSE_S
        while not _known(worker):
            if time.monotonic() > self._deadline:
                self._intake.give_up(worker)
                return False
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
                self.family.bury(worker, unit)
            if ended or self._prove(worker):
                continue
            pause_s = min(2 * pause_s, _PAUSE_MAX_S)
        return True

    def _next_turn(self, worker: Worker) -> bool:
        """Let the first go on that is held; False when nobody is.

        Who asks whether a child has ended has to wait for all others: one that was killed
        a moment ago may still be on its way out.
        """
        held = [space for space in (worker, *worker.units.values()) if space.held]
        if not held:
            return False
        space = self._turn = min(held, key=_asks_for_ends)
        order = _order(space)
        for tid in sorted(space.held, key=lambda tid: order.get(tid, len(order))):
            self._act(worker, space, space.held.pop(tid))
        return True

    # Notices

    def arrived(self, worker: Worker, stand: PendingSyscall) -> None:
        """Somebody of the family has stopped before a call."""
        space = self.family.space_of(worker, stand.tid)
        if space is None:
            # Its doubt is noted; killed, or not to be examined.
            answer(worker, stand.trap_id, error=-5)
            return
        stand.space = space
        space.vforking.discard(stand.tid)
        space.blocked.pop(stand.tid, None)
        space.waking = False
        if self._flow.active:
            self._flow.arrived(worker, space, stand)
            return
        if not self._holding or (space is self._turn and stand.call.kind != "reap"):
            self._act(worker, space, stand)
            return
        if isinstance(space, TraceeProcess):
            space.task(stand.tid)
        space.held[stand.tid] = stand
        if accounted(space):
            space.quiet, space.sleeps = True, bool(space.blocked)

    def _act(self, worker: Worker, space: Process, stand: PendingSyscall) -> None:
        """Answer a call, or leave standing who makes it."""
        tid = stand.tid
        self.family.moves(worker, space, tid)
        call, waits = stand.call, False
        fd = signed(stand.args[max(call.fd, 0)])
        reaches = _reach(space, stand)
        if reaches > 0:
            self._line_up(worker, reaches, another=call.name in _READING)
        if reaches > 0 and call.name in _READING:
            waits = self._nobody_wakes(worker, space) and empties(space.pid, fd)
        runs = space.watch.look(tid)[0] if waits else b""
        self._intake.act_on(space, tid, stand)
        actor = space.by_tid.get(tid)
        if isinstance(actor, TraceeThread) and not self._holding and actor.status is not Status.MOVING:
            # Between schedules nothing in the directory is anybody's.
            actor.status = Status.MOVING
            answer(space, stand.trap_id, flags=linux_abi.RESPONSE_CONTINUE)
        elif actor is not None and actor.stand is stand and actor.status is not Status.MOVING:
            if accounted(space):
                space.quiet, space.sleeps = True, bool(space.blocked)
        elif waits:
            space.blocked[tid] = Reader(fd, reaches, runs)
            if accounted(space):
                space.quiet = space.sleeps = True
        elif reaches != NOBODY:
            space.waking = call.name not in _READING
            self._stir(worker, space, reaches)

    def _line_up(self, worker: Worker, pipe: int, another: bool) -> None:
        """See that whoever waits at a pipe really does, where several read from it.

        A pipe wakes its readers in the order in which they came. Who was let into an empty one is
        known to wait there without a look, but not since when: of several, the one that came
        later must not be faster, neither into the line nor to what is written meanwhile.

        Args:
            worker: whose family.
            pipe: its number.
            another: is about to read; else somebody is about to write.
        """
        readers = [
            (space, tid, reader.runs)
            for space in (worker, *worker.units.values())
            for tid, reader in space.blocked.items()
            if reader.pipe == pipe
        ]
        if len(readers) + another < 2:  # noqa: PLR2004
            return
        for space, tid, runs in readers:
            while not space.watch.sleeps(tid, runs):
                if time.monotonic() > self._deadline:
                    return
                time.sleep(_PAUSE_S)

    @staticmethod
    def _nobody_wakes(worker: Worker, by: Process) -> bool:
        """Whether nobody else is still in a call that may fill a pipe."""
        others = [space for space in (worker, *worker.units.values()) if space is not by and not space.quiet]
        return not any(space.waking or several(space) for space in others)

    @staticmethod
    def _stir(worker: Worker, by: Process | None, reaches: int) -> None:
        """Who sleeps may have been woken.

        Args:
            worker: whose family.
            by: by whom.
            reaches: only who reads from this pipe, or sleeps otherwise; `UNKNOWN` for anybody.
        """
        for space in (worker, *worker.units.values()):
            if space is by or not space.sleeps:
                continue
            for tid in [tid for tid, one in space.blocked.items() if reaches in (UNKNOWN, one.pipe)]:
                del space.blocked[tid]
            if not accounted(space):
                space.quiet = False

    # Proof

    def _prove(self, worker: Worker) -> bool:
        """Whether whoever is not known to stand sleeps for sure; then it is noted."""
        if self.family.list_children(worker):
            return False
        moving = [space for space in (worker, *worker.units.values()) if not space.quiet]
        sleeping = same_twice([(one.pid, standing(one), one.vforking, one.watch) for one in moving])
        if sleeping is None or self.family.list_children(worker):
            return False
        pidfds = [unit.pidfd for unit in worker.units.values()]
        if select.select([worker.listener, worker.pidfd, *pidfds], (), (), 0)[0]:
            return False
        for space, tids in zip(moving, sleeping, strict=True):
            # Who sleeps in the middle of a call that may fill a pipe still may, once it is woken.
            space.quiet, space.sleeps = True, bool(tids)
            if isinstance(space, TraceeProcess):
                space.forget_ended()
        for space in (worker, *worker.units.values()):
            space.cloned = False
        return True

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
            unmask(worker)
            self._stir(worker, None, UNKNOWN)
            moved = not self._prove(worker)
            if not moved and not any(timed(space.pid) for space in (worker, *worker.units.values())):
                break
            if moved:
                self._drive(worker, None)
                if any(lane.status in RANK for lane in worker.lanes) or self._intake.inconclusive:
                    return True
            if time.monotonic() > deadline:
                self._intake.give_up(worker)
                return True
            time.sleep(_PAUSE_MAX_S)
        for lane in worker.lanes:
            choose(worker, lane)
        return worker.dirty

    def finish(self, worker: Worker) -> None:
        """The schedule is over: end what its lanes started; what serves them has to be at rest."""
        for lane in worker.lanes:
            mine = [unit for unit in worker.units.values() if unit.served is None and unit.lane is lane]
            if mine and lane.actor is None and lane.status is Status.ASLEEP:
                # Not the fence's fault: nothing is known of why the program waits.
                self._intake.doubt(f"a program that lane {lane.index} started does not end")
        # A lane that waits for an flock does so whoever acts for it.
        waiting = [lane for lane in worker.lanes if lane.status is Status.FLOCK]
        unmask(worker)
        if not worker.crowded:
            return
        while left := [unit for unit in worker.units.values() if unit.served is None]:
            worker.dirty = True
            for unit in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(unit.pid, signal.SIGKILL)
            for unit in left:
                select.select([unit.pidfd], (), (), _REAP_S)
                self.family.bury(worker, unit, killed=True)
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
            worker.dirty |= not unit.quiet or bool(unit.held) or bool(standing(unit))
        worker.crowded = bool(worker.units)


def _known(worker: Worker) -> bool:
    """Whether it is known of everybody that they do not move."""
    if not worker.quiet or worker.cloned:
        return False
    return all(unit.quiet and not unit.cloned for unit in worker.units.values())


def _reach(space: Process, stand: PendingSyscall) -> int:
    """Whom a call may wake, see `pipes.reach`."""
    call = stand.call
    if call.kind not in _WAKING and call.name not in _READING:
        return NOBODY
    return reach(space.pid, signed(stand.args[call.fd])) if call.fd >= 0 else UNKNOWN


def _asks_for_ends(space: Process) -> bool:
    return all(stand.call.kind == "reap" for stand in space.held.values())


def _order(space: Process) -> dict[int, int]:
    """Threads of a process by their place in the order of birth, lanes by their index."""
    return {
        tid: actor.number if isinstance(actor, TraceeThread) else actor.index
        for tid, actor in space.by_tid.items()
    }
