"""The kernel gate: real processes, stopped by seccomp before each file call.

One lane moves at a time. A call in the session directory stops its lane until
`grant`; every other call is answered at once. A step has ended when its lane
stands at its next stop, is gone, or provably sleeps. See `intake` for how a lane
is stopped, `truth` for what a step did, `world` for what the lanes are told.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable

import msgspec

from harness.board import Clock
from harness.gates.kernel import abi
from harness.gates.kernel.calls import open_note, opens_for_writing
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.intake import Intake, answer
from harness.gates.kernel.lane import Lane, Stand, Status
from harness.gates.kernel.memory import pack_stat, pack_statx
from harness.gates.kernel.processes import Processes
from harness.gates.kernel.stand_in import write_for
from harness.gates.kernel.timing import can_go, wake
from harness.gates.kernel.truth import Truth, open_flags, stat_target
from harness.gates.kernel.world import Node, World
from harness.gates.protocol import RUN, Candidate, Layout, Outcome, Verdict
from harness.history import Change, End, Event, Invoke, LockEvent, Return, Step
from harness.program import Program

__all__ = ["WALL_LIMIT_S", "KernelGate"]

_START_S = 20.0
WALL_LIMIT_S = 10.0
_NOTHING: tuple[Change | None, LockEvent | None] = (None, None)
_CUTTABLE_BYTES = 2
#: Kinds of call that leave everything as it is.
_LOOKS = frozenset({"look", "stat"})
_WRITES = frozenset({"data", "meta", "names", "lock", "map"})


class KernelGate:
    """Gate over seccomp user notification.

    Args:
        directory: the session directory; absolute, real, and ours alone.
        main: what a worker process runs (`harness.worker.main`).
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
        self._events: list[Event] = []
        self._moving: Lane | None = None
        self._granted: tuple[Lane, Stand, int, str, str] | None = None
        self._done = _NOTHING
        #: The verdict on the granted step, where it is not a plain run.
        self._fault = ""

    # Life

    def start(self, layout: Layout) -> None:
        """Start the worker processes and bring each lane to wait for a program."""
        self._layout = layout
        self._world = World(self._directory, layout.lock_kind, lambda: self._clock.now_ns, self._is_open)
        self._flocks = Flocks(self._world)
        self._truth = Truth(self._world, self._flocks)
        self._lanes = [Lane(index) for index in range(len(layout.lanes))]
        self._intake = Intake(self._world, self._lanes, self._call_returned, self._wall_limit_s)
        self._processes = Processes(self._main, layout, self._directory, self._clock)
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
        """Whether any worker has a descriptor of that file."""
        for worker in self._processes.workers.values():
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{worker.pid}/fd"):
                    status = os.stat(f"/proc/{worker.pid}/fd/{fd}")
                    if (status.st_dev, status.st_ino) == (self._world.device, node.ino):
                        return True
        return False

    def pids(self) -> dict[str, int]:
        """Process ids of the workers by name of the process."""
        return {name: worker.pid for name, worker in self._processes.workers.items()}

    # One schedule

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""
        for worker in list(self._processes.workers.values()):
            if worker.dirty or not worker.process.is_alive():
                self._processes.stop(worker)
                self._spawn(worker.name)
        self._program = program
        self._clock.now_ns = self._intake.now_ns = program.clock_start_ns
        self._events = []
        self._intake.begin()
        self._initial = self._world.begin(program)
        self._truth.begin()
        self._flocks.begin()
        self._intake.guard = True
        encoded = msgspec.msgpack.encode(program)
        for worker in self._processes.workers.values():
            worker.board.publish(encoded)
            worker.fds.clear()
            worker.sleepers = 0
            worker.mapped = False
        for lane in self._lanes:
            lane.reset()
        for lane in self._lanes:
            assert lane.status is Status.DONE, (lane.index, lane.status)
            self._let_go(lane)
            self._answer(lane, 1)
            self._come_to_rest()

    def settle(self) -> list[Candidate]:
        """Wait until nothing moves; who could step next, ordered by lane."""
        if self._moving is not None:
            self._come_to_rest()
        if self._intake.inconclusive:
            return []
        ready = self._ready() or self._ask_again()
        if not ready:
            woken, now = wake(self._lanes, self._intake.now_ns)
            self._clock.now_ns = self._intake.now_ns = now
            ready = [self._shown(lane) for lane in woken]
        return ready or self._outwaited()

    def _outwaited(self) -> list[Candidate]:
        """Nobody is ready and nothing is due: only time outside can still wake somebody."""
        for worker in self._processes.workers.values():
            if worker.sleepers and self._intake.outwait(worker):
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
                or (status is Status.SLEEP and can_go(lane, self._world.names, self._intake.now_ns))
            ):
                ready.append(lane.candidate or self._shown(lane))
        return ready

    def _ask_again(self) -> list[Candidate]:
        """Nobody is ready: let those who wait for an flock ask the kernel once more."""
        for lane in self._lanes:
            if lane.status is Status.FLOCK and not lane.asked:
                lane.asked = True
                lane.status = Status.FILE
        return self._ready()

    def finish(self, inconclusive: str = "") -> Outcome:
        """Close the history; processes that did not come to their end are replaced."""
        if self._moving is not None:
            self._come_to_rest()
        world = self._world
        inconclusive = self._intake.inconclusive or inconclusive
        waiting = []
        for worker in self._processes.workers.values():
            # Whatever it started must not reach into the next schedule.
            worker.dirty |= worker.forked
        for lane in self._lanes:
            assert lane.worker is not None
            if lane.status is not Status.DONE:
                lane.worker.dirty = True
                if lane.status is not Status.DEAD:
                    waiting.append((lane.index, self._why(lane)))
        before = world.state
        if (world.rescan() | world.look()) and not inconclusive and before != world.state:
            inconclusive = "the transcript changed while no lane had been let go"
        self._events.append(
            End(
                world.state,
                () if inconclusive else tuple(waiting),
                world.owner,
                inconclusive,
                world.reused,
            )
        )
        return Outcome(self._initial, tuple(self._events), world.blobs)

    def _why(self, lane: Lane) -> str:
        if lane.status is Status.ASLEEP:
            return "it sleeps in the kernel and nobody is left to wake it"
        if lane.status is Status.FLOCK:
            return f"it waits for the flock on {self._alias(lane.stand)}"
        return f"it {lane.status}"

    # A step

    def _shown(self, lane: Lane) -> Candidate:
        """The lane as the strategy sees it; the same object until it has stepped."""
        if lane.candidate is None:
            lane.candidate = self._candidate(lane)
        return lane.candidate

    def _candidate(self, lane: Lane) -> Candidate:
        status = lane.status
        if status is Status.FILE:
            stand = lane.stand
            kind = stand.call.kind
            writes = kind in _WRITES
            if kind == "open":
                assert lane.worker is not None
                writes = opens_for_writing(open_flags(lane.worker, stand))
            return Candidate(lane.index, lane.op, lane.ordinal, stand.call.name, self._alias(stand), writes)
        return Candidate(
            lane.index, lane.op, lane.ordinal, "think" if status is Status.THINK else "sleep", "", False
        )

    def _alias(self, stand: Stand) -> str:
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
        lane = self._lanes[candidate.lane]
        assert self._moving is None
        now = self._intake.now_ns + self._program.step_ns
        self._clock.now_ns = self._intake.now_ns = now
        op = lane.op
        lane.ordinal += 1
        lane.candidate = None
        status = lane.status
        if status is Status.THINK:
            lane.think_left -= 1
            self._events.append(Step(lane.index, op, "think"))
            if lane.think_left <= 0:
                self._let_go(lane)
                self._answer(lane, 1)
        elif status is Status.SLEEP:
            self._events.append(Step(lane.index, op, "sleep"))
            self._let_go(lane)
            self._answer(lane, 0)
        else:
            assert status is Status.FILE, status
            if verdict.kind == "fail":
                self._fail(lane, op, candidate.path, verdict.errno)
            elif verdict.kind == "short":
                self._cut_short(lane, op, candidate.path, verdict.keep_permille)
            else:
                self._run(lane, op, candidate.path)

    def _fail(self, lane: Lane, op: int, path: str, code: int) -> None:
        self._truth.before(lane, lane.stand)
        self._granted, self._done = (lane, lane.stand, op, path, ""), _NOTHING
        self._fault = errno.errorcode[code]
        self._let_go(lane)
        self._answer(lane, 0, -code)

    def _cut_short(self, lane: Lane, op: int, path: str, keep_permille: int) -> None:
        """Write a part of a write's bytes in the lane's place; what cannot be cut runs whole."""
        stand = lane.stand
        length = stand.args[2]
        keep = 1 + (length - _CUTTABLE_BYTES) * keep_permille // 999
        self._truth.before(lane, stand)
        value = write_for(lane, stand, keep) if length >= _CUTTABLE_BYTES else None
        if value is None:
            self._run(lane, op, path)
            return
        if value == -errno.EPERM:
            self._intake.doubt("a write could not be cut short: this machine does not allow pidfd_getfd")
        self._done = self._truth.after(lane, stand)
        self._granted = (lane, stand, op, path, f"{value} of {length} bytes" if value >= 0 else "")
        self._fault = "short" if value >= 0 else ""
        self._let_go(lane)
        self._answer(lane, max(value, 0), min(value, 0))

    def _run(self, lane: Lane, op: int, path: str) -> None:
        stand = lane.stand
        call = stand.call
        if call.name == "flock":
            self._flock(lane, op, path)
            return
        note = ""
        assert lane.worker is not None
        if call.kind in _LOOKS and not lane.worker.mapped:
            self._done = _NOTHING
        else:
            self._truth.before(lane, stand)
            self._intake.in_call = lane
            if call.kind == "open":
                note = open_note(open_flags(lane.worker, stand))
        self._granted = (lane, stand, op, path, note)
        self._let_go(lane)
        if call.kind == "stat" and self._answer_stat(lane):
            return
        self._answer(lane, 0, 0, abi.RESPONSE_CONTINUE)

    def _flock(self, lane: Lane, op: int, path: str) -> None:
        code, lock = self._flocks.take(lane, lane.stand)
        self._events.append(Step(lane.index, op, "flock", path, lock=lock))
        if code is None:
            lane.status = Status.FLOCK
            return
        self._flocks.wake(self._lanes, lane.stand.node)
        self._let_go(lane)
        self._answer(lane, 0, -code)

    def _let_go(self, lane: Lane) -> None:
        lane.status = Status.MOVING
        self._moving = lane

    def _answer(self, lane: Lane, value: int, error: int = 0, flags: int = 0) -> None:
        assert lane.worker is not None
        answer(lane.worker, lane.stand.trap_id, value, error, flags)

    def _answer_stat(self, lane: Lane) -> bool:
        """Answer stat or statx with virtual number and times; False leaves it to the kernel."""
        stand, worker, world = lane.stand, lane.worker, self._world
        assert worker is not None
        target = stat_target(world, worker, stand)
        if target is None:
            return False
        try:
            real = os.stat(target[0], follow_symlinks=target[1])
        except OSError:
            return False
        if real.st_dev != world.device:
            return False
        node = world.directory_node if real.st_ino == world.directory_ino else world.by_ino.get(real.st_ino)
        if node is None:
            return False
        name, args = stand.call.name, stand.args
        if name == "statx":
            worker.memory.write(args[4], pack_statx(real, node, self._program.filesystem.birth_time))
        else:
            worker.memory.write(args[2] if name == "newfstatat" else args[1], pack_stat(real, node))
        self._answer(lane, 0)
        return True

    def _call_returned(self) -> None:
        assert self._granted is not None
        self._done = self._truth.after(self._granted[0], self._granted[1])

    def _come_to_rest(self) -> None:
        lane = self._moving
        assert lane is not None and lane.worker is not None
        alone = not lane.worker.sleepers
        self._intake.wait(lane)
        self._moving = None
        if lane.stand.call.name == "flock" and lane.status is Status.FILE:
            lane.asked = False
            if self._flocks.must_wait(lane, lane.stand):
                lane.status = Status.FLOCK
        if self._granted is not None:
            self._record()
        if alone and lane.status is not Status.DEAD:
            # Nobody else of the process can have moved.
            self._progress(lane)
            return
        for other in lane.worker.lanes:
            self._progress(other)

    def _record(self) -> None:
        """Take down the granted step, now that it is over."""
        assert self._granted is not None
        lane, stand, op, path, note = self._granted
        self._granted = None
        if self._intake.in_call is not None:
            self._intake.in_call = None
            self._done = self._truth.after(lane, stand)
        change, lock = self._done
        if lane.worker is not None and lane.worker.mapped:
            change = self._truth.stored(lane, change)
        fault, self._fault = self._fault, ""
        self._events.append(Step(lane.index, op, stand.call.name, path, note, change, lock, fault))
        if stand.call.kind in ("close", "table"):
            self._flocks.wake(self._lanes, stand.node)

    def _progress(self, lane: Lane) -> None:
        """Take the lane's operations down that began or ended during the step."""
        assert lane.worker is not None
        board, index = lane.worker.board, lane.index
        started, finished = board.started(index), board.finished(index)
        while lane.finished < finished or lane.started < started:
            if lane.started == lane.finished:
                op = self._program.lanes[index].ops[lane.started]
                ids = tuple((entry.id, entry.type) for entry in op.entries)
                self._events.append(Invoke(index, lane.started, op.kind, op.turn, ids, op.how, op.route))
                lane.op, lane.ordinal = lane.started, 0
                lane.started += 1
            else:
                outcome, detail = board.outcome(index, lane.finished)
                self._events.append(Return(index, lane.finished, outcome, detail))
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
        self._events.append(
            Return(lane.index, lane.finished, "crash", f"the process ended with status {status}")
        )
        lane.finished += 1
