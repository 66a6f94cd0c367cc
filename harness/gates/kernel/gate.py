"""The kernel gate: real processes, stopped by seccomp before each file call.

One lane moves at a time. A call in the session directory stops its lane until
`grant`; every other call is answered at once. A step has ended when its lane
is stopped again, is gone, or provably sleeps. `notifications` stops lanes, `step_wait` waits for
them, `steps` lets them go, `effect_recorder` looks at what a step did, and `virtual_files` is what
the lanes are told. The gate's knowledge is in `supervisor_state`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import msgspec

from fence.external.time_limit import TimeLimit
from harness.gates.kernel.access_sets import access_set
from harness.gates.kernel.attribution import choose_again
from harness.gates.kernel.candidates import candidate_of, why_waiting
from harness.gates.kernel.laid_files import left_lock
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.operations import record_operations
from harness.gates.kernel.own_trees import OwnTrees
from harness.gates.kernel.process import Status
from harness.gates.kernel.process_tree import disturbed_children, end_all, end_children
from harness.gates.kernel.stack_dumps import told
from harness.gates.kernel.step_wait import StepWait
from harness.gates.kernel.steps import Steps
from harness.gates.kernel.stopped_calls import resolve_stopped_again
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_table import FLOCK
from harness.gates.kernel.terminals import Terminals
from harness.gates.kernel.time_jumps import jump, may_jump_to
from harness.gates.kernel.timer_steps import show_due
from harness.gates.kernel.virtual_clock import can_go, is_held
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.gates.kernel.worker_diagnostics import explained
from harness.gates.kernel.worker_processes import WorkerKilled, WorkerProcesses
from harness.model.errors import WorkerDied
from harness.model.gate import RUN, Candidate, Layout, Outcome, Verdict
from harness.model.history import End
from harness.model.native import mypyc_attr
from harness.model.program import Program
from harness.model.shared_memory import Clock
from harness.system.private_directories import PrivateDirectories

__all__ = ["WALL_LIMIT_S", "KernelGate"]

#: Limits of a worker's start, with the adapter of an external fence: doing nothing, and computing.
_START_S, _START_COMPUTING_S = 20.0, 60.0
_STARTS_MAX: Final = 3
WALL_LIMIT_S = 10.0
# Names of the module are faster to look up than members of a class, and each step asks for each lane.
_FILE: Final = Status.FILE
_SLEEP: Final = Status.SLEEP
_TURN: Final = Status.TURN
#: Of a lane that waits for nothing.
_READY: Final = frozenset({Status.FILE, Status.THINK, Status.TIMER})


@mypyc_attr(allow_interpreted_subclasses=True)
class KernelGate:
    """Gate over seccomp user notification.

    Args:
        directory: the session directory; absolute, real, and ours alone.
        main: what a worker process runs (`harness.lanes.worker.main`).
        private: directories of programs; None where they have none.
        wall_limit_s: a lane that neither stops nor sleeps for so long makes the
            schedule inconclusive.
    """

    name = "kernel"

    def __init__(
        self,
        directory: str,
        main: Callable[..., None],
        wall_limit_s: float = WALL_LIMIT_S,
        private: PrivateDirectories | None = None,
    ) -> None:
        self._private = private
        self._wall_limit_s = wall_limit_s
        self._clock = Clock()
        self._directory = directory
        self._main = main
        self._lanes: list[Lane] = []
        #: Processes that were started again in this schedule, with a process id of choice.
        self._reborn: set[str] = set()
        #: Whether candidates carry their access set; that costs time.
        self.tells_access_sets = False
        self.has_own_steps = False
        self.starts_anew = False

    # Life

    def start(self, layout: Layout) -> None:
        """Start the worker processes and bring each lane to wait for a program."""
        self._layout = layout
        self._processes = WorkerProcesses(self._main, layout, self._directory, self._clock, self._private)
        now = self._clock.cell
        self._files = VirtualFiles(
            self._directory,
            layout.locks,
            lambda: now[0],
            lambda inode: self._processes.have_open(self._files.device, inode.ino),
            lambda inode: self._processes.watch(inode.ino),
        )
        self._lanes = [Lane(index) for index in range(len(layout.lanes))]
        workers = self._processes.workers
        private = self._private.path if self._private is not None else ""
        self._state = SupervisorState(
            self._files,
            self._clock,
            self._lanes,
            workers,
            self._wall_limit_s,
            private,
            Terminals(self._processes.open_terminal),
        )
        self._flocks = self._state.flocks
        self._polls = self._state.polls
        self._steps = Steps(self._state)
        self._faults = self._steps.process_faults
        self._own_trees = OwnTrees(self._files)
        self._wait = StepWait(self._state)
        for name in dict.fromkeys(lane.process for lane in layout.lanes):
            self._spawn(name)

    def _spawn(self, name: str, number: int = 0) -> None:
        """Start a worker, anew if another program kills it, or what it has started, meanwhile.

        Args:
            name: of the process.
            number: its process id; 0 for the usual one.
        """
        for tried in range(1, _STARTS_MAX + 1):
            try:
                self._start_worker(name, number)
                return
            except WorkerDied as error:
                worker = self._processes.workers.get(name)
                children_disturbed = worker is not None and disturbed_children(self._state, worker)
                if tried == _STARTS_MAX or not (children_disturbed or isinstance(error, WorkerKilled)):
                    raise
                if worker is not None:
                    self._processes.stop(worker)

    def _start_worker(self, name: str, number: int) -> None:
        self._state.guard(False)
        worker = self._processes.spawn(name, number)
        layout = zip(self._lanes, self._layout.lanes, strict=True)
        worker.take_lanes([lane for lane, info in layout if info.process == name])
        limit = TimeLimit(
            _START_S, lambda: [process.pid for process in worker.processes()], _START_COMPUTING_S
        )
        has_clock = False
        while any(lane.status is Status.MOVING for lane in worker.lanes):
            self._processes.expect_alive(worker, limit)
            has_clock = has_clock or self._processes.share_clock(worker)
            if not has_clock:
                continue
            with contextlib.suppress(InterruptedError, FileNotFoundError):
                self._wait.receive_one(worker)

    def close(self) -> None:
        """Stop every process; the session directory belongs to the caller."""
        if self._lanes:
            self._state.close_outputs()
            self._processes.stop_all()
            self._state.timer_descriptors.begin()

    def pids(self) -> dict[str, int]:
        """Return the process ids of the workers by name of the process."""
        return {name: worker.pid for name, worker in self._processes.workers.items()}

    @property
    def has_own_ids(self) -> bool:
        """Return whether process ids are the session's own, the same in each schedule."""
        return self._processes.has_own_ids

    @property
    def traps(self) -> int:
        """Return how often any process was stopped at a call, since the start."""
        return self._state.traps

    @property
    def idle_steps(self) -> int:
        """Return how many steps lanes took to ask for a lock again, because no other lane could go."""
        return self._polls.idle_steps

    # One schedule

    def begin(self, program: Program) -> None:
        """Reset files and processes, and bring each lane to its first stop."""
        # What is started now is told the time that was told to the first ones.
        self._state.set_time(0)
        if self.starts_anew:
            self._state.start_anew(program)
        for name in self._processes.stop_unfit():
            self._spawn(name)
        self._program = program
        if self._private is not None and self._state.tasks_started:
            self._private.clear()
        self._processes.begin(self._state.tasks_started)
        self._state.begin(program)
        self._steps.begin(program)
        workers = self._processes.workers
        left = left_lock(program, self._layout.locks[0], lambda name: workers[name].own_pid)
        self._initial = self._files.begin(program, left)
        self._steps.files_laid()
        self._flocks.begin()
        self._own_trees.begin()
        self.has_own_steps = False
        self._state.recorder.begin()
        self._polls.begin([lane.name for lane in program.lanes], self.tells_access_sets)
        self._state.guard(True)
        self._encoded = msgspec.msgpack.encode(program)
        self._reborn.clear()
        for worker in self._processes.workers.values():
            worker.begin(self._encoded)
        for lane in self._lanes:
            lane.reset()
        for lane in self._lanes:
            assert lane.status is Status.DONE, (lane.index, lane.status)
            if program.lanes[lane.index].revives:
                continue
            self._steps.release(lane, 1)
            self._come_to_rest(lane)

    def settle(self) -> list[Candidate]:
        """Wait until nothing moves; return the lanes that can step next, ordered by lane."""
        state = self._state
        if state.moving is not None:
            self._come_to_rest(state.moving)
        if state.inconclusive:
            return []
        if self._flocks.waiters_changed:
            self._flocks.acknowledge_waiters()
            choose_again(self._lanes)
        if state.timers_set:
            show_due(state)
        ready = self._ready() or self._retry_flocks()
        if not ready:
            could = [lane for lane in self._lanes if lane.status is not _TURN or self._has_turn(lane)]
            woken = jump(state, could)
            ready = [lane.candidate or candidate_of(self._files, lane) for lane in woken] or self._ready()
        if self._files.has_tree:
            self.has_own_steps = self._own_trees.mark(self._lanes, ready)
        if self.tells_access_sets:
            for candidate in ready:
                one = self._lanes[candidate.lane]
                candidate.touches(access_set(self._files, self._flocks, one, self._polls.waits(one)))
        return ready or self._outwaited()

    def _outwaited(self) -> list[Candidate]:
        """Wait for real time to wake a lane, for no lane is ready and none is due."""
        for worker in self._processes.workers.values():
            if self._wait.outwait(worker):
                self._record_operations(worker)
                return self.settle()
        return []

    def _ready(self) -> list[Candidate]:
        files, now_ns = self._files, self._state.now_ns
        ready = []
        for lane in self._lanes:
            status = lane.status
            if (
                status in _READY
                or (status is _SLEEP and can_go(lane, files.names, now_ns, may_jump_to(self._state)))
                or (status is _TURN and self._has_turn(lane))
            ):
                ready.append(lane.candidate or candidate_of(files, lane))
        if self._faults.held:
            last_ns = may_jump_to(self._state)
            ready = [one for one in ready if not is_held(self._lanes[one.lane], files.names, now_ns, last_ns)]
        if self._polls.asking:
            ready = self._polls.without_kept_back(ready, self._lanes)
        return ready

    @staticmethod
    def _has_turn(lane: Lane) -> bool:
        assert lane.worker is not None
        return lane.worker.board.is_turn_of(lane.index)

    def _retry_flocks(self) -> list[Candidate]:
        """Let the lanes that wait for an flock ask the kernel once more, for no lane is ready."""
        for lane in self._lanes:
            lane.retry_flock_once()
        return self._ready()

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step."""
        lane = self._lanes[candidate.lane]
        if lane.starting:
            self._start_again(lane)
        self._steps.grant(lane, candidate.path, verdict)

    def _start_again(self, lane: Lane) -> None:
        """Give the process of a lane that begins now the process id that the scenario wants."""
        own = self._program.lanes[lane.index]
        if own.revived_pid == "fresh" or own.process in self._reborn:
            return
        self._reborn.add(own.process)
        if not self.has_own_ids:
            self._state.note_inconclusive(
                f"restart: pid {own.revived_pid} needs process ids of the session's own; "
                "`python -m harness doctor` says why there are none, and what to do"
            )
            return
        number = self._processes.id_of(own.revives)
        self._state.start_times.taken(number, self._state.now_ns)
        if own.revived_pid == "taken":
            self._processes.occupy(number)
            return
        worker = lane.worker
        assert worker is not None
        due = {one.index: one.wake_ns for one in worker.lanes if one.starting}
        self._processes.stop(worker)
        self._spawn(worker.name, number)
        reborn = self._processes.workers[worker.name]
        reborn.replace_later()
        reborn.begin(self._encoded)
        for index, wake_ns in due.items():
            self._lanes[index].starts_again(wake_ns)
        self._state.guard(True)

    # The end of a schedule

    def finish(self, inconclusive: str = "") -> Outcome:
        """Close the history; processes that did not come to their end are replaced."""
        state, files = self._state, self._files
        if state.moving is not None:
            self._come_to_rest(state.moving)
        inconclusive = state.inconclusive or self._polls.remark(inconclusive, self._lanes)
        waiting = []
        for lane in self._lanes:
            assert lane.worker is not None
            if lane.status is not Status.DONE:
                lane.worker.replace_later()
                if lane.status is not Status.DEAD:
                    why = self._polls.why(lane, self._lanes) or why_waiting(files, lane)
                    waiting.append((lane.index, why))
        if files.lock.owner >= 0 and (owner := self._lanes[files.lock.owner].worker) is not None:
            # The open file of a lock that was not released would stay in the process.
            owner.replace_later()
        self._processes.dismiss()
        for worker in self._processes.workers.values():
            # Its children must not reach into the next schedule. After a crash of an adapter the worker is
            # gone, and the other adapters will not answer.
            (end_all if worker.board.crash else end_children)(state, worker)
        state.close_outputs()
        inconclusive = explained(state.why_unknown() or inconclusive, self._processes.workers.values())
        before = files.state
        if (files.rescan() | files.look()) and not inconclusive and before != files.state:
            inconclusive = "the transcript changed while no lane had been let go"
        waits = () if inconclusive else tuple(waiting)
        stuck = told([lane.name for lane in self._layout.lanes], state.stuck) if state.stuck else ""
        state.events.append(End(files.state, waits, files.lock.owner, inconclusive, files.reused))
        return Outcome(self._initial, tuple(state.events), files.blobs, state.disturbed, stuck)

    # Coming to rest

    def _come_to_rest(self, lane: Lane) -> None:
        worker = lane.worker
        assert worker is not None
        alone = not worker.sleeping_lanes and not worker.has_children
        if worker.has_children or not self._wait.without_children(worker, lane):
            self._wait.with_children(worker, lane)
            self._faults.hold_as_waited(worker, lane)
        status = lane.status
        if status is _FILE and lane.pending.call.kind == "lock":
            self._wait_for_lock(lane)
        watched = self._state.came_to_rest()
        if watched is not None:
            self._steps.record(watched)
            if self._files.tree_changed:
                resolve_stopped_again(self._state)
        if not alone or status is Status.DEAD:
            self._record_operations(worker)
        elif worker.words[lane.cell] != lane.started or worker.words[lane.cell + 1] != lane.finished:
            # No other lane of the process can have moved.
            record_operations(self._state, self._program, lane)

    def _wait_for_lock(self, lane: Lane) -> None:
        """Have a lane wait that stands before a call about a lock which another one has."""
        pending = lane.pending
        lane.forget_flock_tries()
        waits = self._flocks.must_wait if pending.call is FLOCK else self._state.recorder.must_wait
        if waits(pending):
            lane.wait_for_flock()
            self._flocks.note_waiters()

    def _record_operations(self, worker: Worker) -> None:
        for lane in worker.lanes:
            record_operations(self._state, self._program, lane)
