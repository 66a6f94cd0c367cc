"""The kernel gate: real processes, stopped by seccomp before each file call.

One lane moves at a time. A call in the session directory stops its lane until
`grant`; every other call is answered at once. A step has ended when its lane
stands at its next stop, is gone, or provably sleeps. See `intake` for how a lane
is stopped, `steps` for how it is let go, `truth` for what a step did, `world` for
what the lanes are told.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

import msgspec

from harness.gates.adapter_diagnostics import last_words
from harness.gates.kernel.access_sets import access_set
from harness.gates.kernel.attribution import choose_again
from harness.gates.kernel.effect_recorder import EffectRecorder
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Status
from harness.gates.kernel.notifications import Notifications
from harness.gates.kernel.pid_namespaces import PidNamespaces
from harness.gates.kernel.steps import PAUSES, Steps
from harness.gates.kernel.syscall_table import FLOCK, opens_for_writing
from harness.gates.kernel.virtual_clock import can_go, wake
from harness.gates.kernel.virtual_files import Node, VirtualFiles
from harness.gates.kernel.worker_processes import WorkerProcesses
from harness.model.gate import RUN, Candidate, Layout, Outcome, Verdict
from harness.model.history import End, Invoke, Return
from harness.model.program import Program
from harness.model.shared_memory import Clock

__all__ = ["WALL_LIMIT_S", "KernelGate"]

_START_S = 20.0
WALL_LIMIT_S = 10.0
#: Kinds of call that may change something that another lane can see.
_WRITES = frozenset({"data", "meta", "names", "lock", "map"})


class KernelGate:
    """Gate over seccomp user notification.

    Args:
        directory: the session directory; absolute, real, and ours alone.
        main: what a worker process runs (`harness.lanes.worker.main`).
        wall_limit_s: a lane that neither stops nor sleeps for so long makes the
            schedule inconclusive.
    """

    name = "kernel"

    def __init__(self, directory: str, main: Callable[..., None], wall_limit_s: float = WALL_LIMIT_S) -> None:
        self._wall_limit_s = wall_limit_s
        self._clock = Clock()
        self._directory = directory
        self._main = main
        self._lanes: list[Lane] = []
        #: Whether candidates say what they will touch; that costs time.
        self.tells_access_sets = False

    # Life

    def start(self, layout: Layout) -> None:
        """Start the worker processes and bring each lane to wait for a program."""
        self._layout = layout
        self._world = VirtualFiles(
            self._directory, layout.lock_kind, lambda: self._clock.now_ns, self._is_open
        )
        self._flocks = Flocks(self._world)
        self._truth = EffectRecorder(self._world, self._flocks)
        self._lanes = [Lane(index) for index in range(len(layout.lanes))]
        self._steps = Steps(self._world, self._truth, self._flocks, self._clock, self._lanes)
        self._intake = Notifications(
            self._world, self._flocks, self._lanes, self._steps.call_returned, self._wall_limit_s
        )
        self._crowd = self._intake.crowd
        self._crowd.family.event_of_end = self._steps.ended_by
        self._processes = WorkerProcesses(self._main, layout, self._directory, self._clock)
        self._intake.namespaces = PidNamespaces(self._processes.workers)
        for name in dict.fromkeys(lane.process for lane in layout.lanes):
            self._spawn(name)

    def _spawn(self, name: str) -> None:
        self._intake.guard = False
        worker = self._processes.spawn(name)
        layout = zip(self._lanes, self._layout.lanes, strict=True)
        worker.lanes = [lane for lane, info in layout if info.process == name]
        for lane in worker.lanes:
            lane.worker = worker
            lane.status = Status.MOVING
        deadline = time.monotonic() + _START_S
        while any(lane.status is Status.MOVING for lane in worker.lanes):
            self._processes.expect_alive(worker, deadline)
            try:
                self._intake.take(worker)
            except (InterruptedError, FileNotFoundError):
                continue

    def close(self) -> None:
        """Stop every process; the session directory belongs to the caller."""
        if self._lanes:
            self._processes.stop_all()

    def _is_open(self, node: Node) -> bool:
        """Whether any worker, or who belongs to it, has a descriptor of that file."""
        workers = self._processes.workers.values()
        pids = [space.pid for worker in workers for space in (worker, *worker.units.values())]
        for pid in pids:
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    status = os.stat(f"/proc/{pid}/fd/{fd}")
                    if (status.st_dev, status.st_ino) == (self._world.device, node.ino):
                        return True
        return False

    def pids(self) -> dict[str, int]:
        """Process ids of the workers by name of the process."""
        return {name: worker.pid for name, worker in self._processes.workers.items()}

    @property
    def traps(self) -> int:
        """How often any process was stopped at a call, since the start."""
        return self._intake.traps

    # One schedule

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""
        for worker in list(self._processes.workers.values()):
            if worker.dirty or not worker.process.is_alive():
                self._processes.stop(worker)
                self._spawn(worker.name)
        self._program = program
        self._clock.now_ns = self._intake.now_ns = program.clock_start_ns
        self._intake.begin()
        self._intake.namespaces.begin(program)
        self._steps.begin(program, self._intake)
        self._initial = self._world.begin(program)
        self._flocks.begin()
        self._truth.begin()
        self._intake.guard = True
        encoded = msgspec.msgpack.encode(program)
        for worker in self._processes.workers.values():
            worker.board.publish(encoded)
            worker.fds.clear()
            worker.sleepers = 0
            worker.mapped = worker.forked = False
            for unit in worker.units.values():
                unit.fds.clear()
        for lane in self._lanes:
            lane.reset()
        for lane in self._lanes:
            assert lane.status is Status.DONE, (lane.index, lane.status)
            self._steps.release(lane, 1)
            self._come_to_rest(lane)

    def settle(self) -> list[Candidate]:
        """Wait until nothing moves; who could step next, ordered by lane."""
        lane = self._steps.moving
        if lane is not None:
            self._come_to_rest(lane)
        if self._intake.inconclusive:
            return []
        if self._flocks.woken:
            self._flocks.woken = False
            choose_again(self._lanes)
        ready = self._ready() or self._ask_again()
        if not ready:
            could = [lane for lane in self._lanes if lane.status is not Status.TURN or self._has_turn(lane)]
            woken, now = wake(could, self._intake.now_ns)
            self._clock.now_ns = self._intake.now_ns = now
            ready = [self._shown(lane) for lane in woken]
        if self.tells_access_sets:
            for candidate in ready:
                lane = self._lanes[candidate.lane]
                candidate.access_set = access_set(self._world, self._flocks, lane)
        return ready or self._outwaited()

    def _outwaited(self) -> list[Candidate]:
        """Nobody is ready and nothing is due: only time outside can still wake somebody."""
        for worker in self._processes.workers.values():
            outwait = self._crowd.outwait if worker.crowded else self._intake.outwait
            if (worker.sleepers or worker.crowded) and outwait(worker):
                for lane in worker.lanes:
                    self._progress(lane)
                return self.settle()
        return []

    def _ready(self) -> list[Candidate]:
        ready = []
        for lane in self._lanes:
            status = lane.status
            if (
                status is Status.FILE
                or status is Status.THINK
                or (status is Status.TURN and self._has_turn(lane))
                or (status is Status.SLEEP and can_go(lane, self._world.names, self._intake.now_ns))
            ):
                ready.append(lane.candidate or self._shown(lane))
        if self._steps.process_faults.held:
            now = self._intake.now_ns
            return [candidate for candidate in ready if self._lanes[candidate.lane].held_ns <= now]
        return ready

    @staticmethod
    def _has_turn(lane: Lane) -> bool:
        assert lane.worker is not None
        return lane.worker.board.is_turn_of(lane.index)

    def _ask_again(self) -> list[Candidate]:
        """Nobody is ready: let those who wait for an flock ask the kernel once more."""
        for lane in self._lanes:
            if lane.status is Status.FLOCK and not lane.asked:
                lane.asked = True
                lane.status = Status.FILE
        return self._ready()

    def finish(self, inconclusive: str = "") -> Outcome:
        """Close the history; processes that did not come to their end are replaced."""
        if self._steps.moving is not None:
            self._come_to_rest(self._steps.moving)
        world = self._world
        inconclusive = self._intake.inconclusive or inconclusive
        waiting = []
        for lane in self._lanes:
            assert lane.worker is not None
            if lane.status is not Status.DONE:
                lane.worker.dirty = True
                if lane.status is not Status.DEAD:
                    waiting.append((lane.index, self._why(lane)))
        for worker in self._processes.workers.values():
            # Whatever it started must not reach into the next schedule.
            self._crowd.finish(worker)
        inconclusive = self._explained(self._intake.inconclusive or inconclusive)
        before = world.state
        if (world.rescan() | world.look()) and not inconclusive and before != world.state:
            inconclusive = "the transcript changed while no lane had been let go"
        waits = () if inconclusive else tuple(waiting)
        self._steps.events.append(End(world.state, waits, world.lock.owner, inconclusive, world.reused))
        return Outcome(self._initial, tuple(self._steps.events), world.blobs)

    def _explained(self, inconclusive: str) -> str:
        """The reason, with what an external fence's adapter said last where that may be why."""
        if not inconclusive:
            return ""
        dirty = [worker for worker in self._processes.workers.values() if worker.dirty]
        # Who meant to be understood knows best; the others only were not done when all was over.
        said = [worker.board.diagnostics() for worker in dirty if worker.board.has_error]
        words = [last_words(worker.pid, worker.board) for worker in dirty] if not said else []
        return said[0] if said else "; ".join(filter(None, [inconclusive, *words]))

    def _why(self, lane: Lane) -> str:
        if lane.status is Status.ASLEEP:
            return "it sleeps in the kernel and nobody is left to wake it"
        if lane.status is Status.FLOCK:
            return f"it waits for the flock on {self._alias(lane.stand)}"
        return f"it {lane.status}"

    # Who can go

    def _shown(self, lane: Lane) -> Candidate:
        """The lane as the strategy sees it; the same object until it has stepped."""
        candidate = lane.candidate
        if candidate is None:
            candidate = lane.candidate = self._candidate(lane)
        return candidate

    def _candidate(self, lane: Lane) -> Candidate:
        status = lane.status
        if status is Status.FILE:
            stand = lane.stand
            kind = stand.call.kind
            writes = opens_for_writing(stand.flags) if kind == "open" else kind in _WRITES
            return Candidate(lane.index, lane.op, lane.ordinal, stand.call.name, self._alias(stand), writes)
        return Candidate(lane.index, lane.op, lane.ordinal, PAUSES[status], "", False)

    def _alias(self, stand: PendingSyscall) -> str:
        world = self._world
        if stand.name is not None:
            alias = world.alias(stand.name)
        else:
            alias = stand.node.alias if stand.node is not None else ""
        if stand.name2 is not None:
            alias = f"{alias} > {world.alias(stand.name2)}"
        return alias

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step."""
        self._steps.grant(self._lanes[candidate.lane], candidate.path, verdict)

    # Coming to rest

    def _come_to_rest(self, lane: Lane) -> None:
        worker = lane.worker
        assert worker is not None
        alone = not worker.sleepers and not worker.crowded
        self._intake.wait(lane)
        steps = self._steps
        steps.moving = None
        if lane.stand.call is FLOCK and lane.status is Status.FILE:
            lane.asked = False
            if self._flocks.must_wait(lane.stand):
                lane.status = Status.FLOCK
                lane.stand.waited = True
                self._flocks.woken = True
        steps.take_down()
        if alone and lane.status is not Status.DEAD:
            # Nobody else of the process can have moved.
            words = worker.words
            if words[lane.cell] != lane.started or words[lane.cell + 1] != lane.finished:
                self._progress(lane)
            return
        for other in worker.lanes:
            self._progress(other)

    def _progress(self, lane: Lane) -> None:
        """Take the lane's operations down that began or ended during the step."""
        assert lane.worker is not None
        board, index, events = lane.worker.board, lane.index, self._steps.events
        started, finished = board.started(index), board.finished(index)
        while lane.finished < finished or lane.started < started:
            if lane.started == lane.finished:
                op = self._program.lanes[index].ops[lane.started]
                ids = tuple((entry.id, entry.type) for entry in op.entries)
                events.append(Invoke(index, lane.started, op.kind, op.turn, ids, op.how, op.route))
                lane.op, lane.ordinal = lane.started, 0
                lane.started += 1
            else:
                outcome, detail = board.outcome(index, lane.finished)
                events.append(Return(index, lane.finished, outcome, detail))
                lane.finished += 1
                lane.poll_name = None
        if lane.status is Status.DEAD:
            self._died(lane)

    def _died(self, lane: Lane) -> None:
        assert lane.worker is not None
        status = lane.worker.process.exitcode
        if self._intake.inconclusive:
            return
        if status is not None and status < 0:
            self._intake.doubt(f"process {lane.worker.name} was killed by signal {-status}")
            return
        if lane.started == lane.finished:
            if lane.started < len(self._program.lanes[lane.index].ops):
                self._intake.doubt(
                    f"process {lane.worker.name} ended with status {status} between operations"
                )
            return
        self._steps.events.append(
            Return(lane.index, lane.finished, "crash", f"the process ended with status {status}")
        )
        lane.finished += 1
