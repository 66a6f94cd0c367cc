"""The free gate: it stops no lane. Lanes run in real time, and calls that overlap have no order.

For soak, for systems without seccomp, and as the baseline of the kernel gate. Lanes of
all processes start together, with jitter from the schedule's seed (`jitter`); each looks
at the transcript around every operation that may write (`snapshots`), and `trace` makes
a history of what they saw. `workers` has the processes.

Things that it cannot know, and its answer then:

- Events inside an operation, or the order of operations that overlap: the
  oracle holds such effects against no lane. A write that overlaps a decision that
  admitted is one of them, since the decision writes too.
- Whether the lock was held: it takes the fence's word, between acquire and release and
  within a guarded write. A lock that was reclaimed from its holder shows when two lanes
  had it at once or one was told of its loss: inconclusive. A double hold is reported only
  where the lanes' words prove it (`harness.oracle.reported_locks`).
- Why a lane does not come to its end: a deadlock and a slow machine look alike, so the
  deadline makes it inconclusive. So do a process killed by a signal, and a change that
  no operation accounts for.
- The view of lanes on another file system: nothing is emulated, neither time stamps
  nor inode numbers. Pauses and thinking are real; a lane that waits for more than a few
  seconds is not run.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable

import msgspec

from fence.external.time_limit import TimeLimit
from fence.locks import KINDS
from harness.gates.adapter_diagnostics import last_words
from harness.gates.free.snapshots import Names, Note, look
from harness.gates.free.trace import Call, doubts, events_of, left_by
from harness.gates.free.workers import Member, Workers
from harness.gates.kernel.interference import FAULTS, Signals, from_outside
from harness.gates.kernel.laid_files import TRANSCRIPT, lay_transcript
from harness.gates.kernel.quiescence import halted
from harness.gates.limits import of_limit, of_signal
from harness.gates.wall_words import excuse_of_error, excuse_of_words
from harness.gates.walls import errno_of
from harness.model.gate import RUN, Candidate, Layout, Outcome, Verdict
from harness.model.history import End
from harness.model.program import Program
from harness.system.reap import kill_tree

__all__ = ["DEADLINE_S", "FreeGate"]

#: Real seconds for a schedule, its pauses aside.
DEADLINE_S = 15.0
_WAIT_MAX_MS = 5000


class FreeGate:
    """Gate that lets all lanes go at once and waits for them.

    Args:
        directory: the session directory; absolute, real, and ours alone.
        main: what a worker process runs (`harness.lanes.worker.main_free`).
        deadline_s: a schedule that takes longer, its pauses aside, is inconclusive.
    """

    name = "free"
    has_own_steps = False
    starts_anew = False
    idle_steps = 0
    has_own_ids = False

    def __init__(self, directory: str, main: Callable[..., None], deadline_s: float = DEADLINE_S) -> None:
        self._directory = directory
        self._path = os.path.join(directory, TRANSCRIPT)
        self._main = main
        self._deadline_s = deadline_s
        self._crew: Workers | None = None
        self._members: dict[str, Member] = {}
        self._doubt = self._disturbed = ""

    # Life

    def start(self, layout: Layout) -> None:
        """Start the worker processes and bring each lane to wait for a program."""
        self._layout = layout
        self._crew = Workers(self._main, layout, self._directory, self._path)
        self._members = self._crew.members
        for name in dict.fromkeys(lane.process for lane in layout.lanes):
            self._crew.spawn(name)

    def close(self) -> None:
        """Stop every process; the session directory belongs to the caller."""
        if self._crew is not None:
            self._crew.stop_all()

    def pids(self) -> dict[str, int]:
        """Process ids of the workers by name of the process."""
        return {name: member.pid for name, member in self._members.items()}

    # One schedule

    def begin(self, program: Program) -> None:
        """Reset files and processes, and let all lanes go."""
        assert self._crew is not None, "begin before start"
        for member in [member for member in self._members.values() if member.unfit]:
            self._crew.stop(member)
            self._crew.spawn(member.name)
        self._program = program
        self._lay_out(program)
        self._names = Names()
        self._initial = self._names.of(look(self._path))
        self._begun_ns = time.monotonic_ns()
        self._doubt, self._disturbed = _too_slow(program), ""
        self._calls_known = not self._doubt
        if not self._doubt:
            self._crew.let_go(msgspec.msgpack.encode(program))

    def _lay_out(self, program: Program) -> None:
        with os.scandir(self._directory) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    os.unlink(entry.path)
        lay_transcript(self._directory, program)

    def settle(self) -> list[Candidate]:
        """Wait until all lanes are done; no lane is ever a candidate."""
        if not self._doubt:
            assert self._crew is not None
            limit_s = self._deadline_s + _patience_s(self._program)
            limit = self._crew.wait(self._members.values(), limit_s)
            self._doubt = self._doubt_about_ends(limit)
        return []

    def _doubt_about_ends(self, limit: TimeLimit) -> str:
        for name, member in self._members.items():
            status, board = member.process.exitcode, member.board
            if member.garbled:
                return f"process {name} wrote to descriptors of the harness; nothing is known of its lanes"
            if member.busy:
                lane = self._layout.lanes[min(member.busy)].name
                why = f"{lane} was not done after {limit.spent}; whether it ever would be is not known"
                if halted(member.pid):
                    why = self._disturbed = f"process {name} was stopped from outside"
                return "; ".join(filter(None, (why, last_words(member.pid, board))))
            if member.died_ns and board.crash_is_late:
                # By a worker with a new adapter, the schedule says what it always says.
                self._disturbed = f"process {name}: {board.crash} before the schedule began"
                return self._disturbed
            number = _killed_by(member)
            if number:
                how = f": {board.crash}" if board.crash else f" was killed by signal {number}"
                killed = "; ".join(filter(None, (f"process {name}{how}", of_signal(number))))
                if not board.has_error and from_outside(Signals(), member.pid, number):
                    # Signals that lanes send are not seen: a fence that kills itself does so again.
                    self._disturbed = killed
                said = board.diagnostics()
                return said if board.has_error else "; ".join(filter(None, [killed, said]))
            if member.died_ns and all(board.started(lane) == board.finished(lane) for lane in member.sockets):
                return f"process {name} {_ended(status)} outside of any operation"
        return ""

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Never called, since no lane is ever a candidate."""
        raise AssertionError(candidate)

    def finish(self, inconclusive: str = "") -> Outcome:
        """Take the lanes' accounts together; a process that is still at work is stopped."""
        now_ns = time.monotonic_ns()
        for member in self._members.values():
            if member.busy or member.garbled:
                kill_tree(member.pid)
        lanes, names = self._layout.lanes, self._names
        calls: list[Call] = []
        doubt = self._doubt or inconclusive
        if self._calls_known:
            for member in self._members.values():
                calls += self._recall(member, now_ns)
            doubt = self._remember(calls) or self._doubt or doubt
        final = names.of(look(self._path))
        doubt = doubt or doubts(calls, lanes, self._initial, final)
        owner = -1
        if not doubt and self._lock_is_held():
            owner = left_by(calls, lanes)
            doubt = "" if owner >= 0 else "the write lock was left behind by an unknown lane"
        end = End(final, (), owner, doubt, names.reused)
        return Outcome(self._initial, (*events_of(calls, lanes), end), names.blobs, self._disturbed)

    def _lock_is_held(self) -> bool:
        """Return whether each of the locks that make the write lock is held."""
        return all(
            KINDS[lock.kind].is_held(self._path, lock.beside(self._path)) for lock in self._layout.locks
        )

    # Records of the lanes

    def _recall(self, member: Member, now_ns: int) -> list[Call]:
        """Operations of a process's lanes, each lane's in order, without what they saw."""
        calls = []
        board = member.board
        for lane in member.sockets:
            finished = board.finished(lane)
            for op in range(board.started(lane)):
                begin_ns, end_ns = board.times(lane, op)
                call = Call(lane, op, self._program.lanes[lane].ops[op], begin_ns, end_ns)
                if op < finished:
                    call.outcome, call.detail = board.outcome(lane, op)
                    if call.outcome == "crash":
                        self._excuse(member, call, _excuse(board.cause(lane, op), call.detail))
                else:
                    call.end_ns = member.died_ns or now_ns
                    # The time on the board may be of an earlier schedule.
                    call.begin_ns = begin_ns if begin_ns >= self._begun_ns else call.end_ns
                    # A signal may have come from anywhere; that makes a doubt, and no crash.
                    if member.died_ns and not _killed_by(member):
                        call.outcome = "crash"
                        call.detail = board.crash or f"the process {_ended(member.process.exitcode)}"
                        self._excuse(member, call, excuse_of_words(board.crash, supervised=False))
                calls.append(call)
        return calls

    def _excuse(self, member: Member, call: Call, why: str) -> None:
        """Take back a crash where the harness may be why an operation went wrong; `why` is empty if not."""
        if why:
            self._doubt = self._doubt or f"process {member.name}: {why} (then: {call.detail})"
            call.outcome = "hindered"

    def _remember(self, calls: list[Call]) -> str:
        """Fill in what the calls saw, naming files by order of appearance.

        Returns:
            Why that is not all; empty when it is.
        """
        by_name = {(call.lane, call.op): call for call in calls}
        seen: list[tuple[int, int, int, Call, Note]] = []
        for member in self._members.values():
            for place, lane in enumerate(member.sockets):
                notes = member.log.read(place)
                if notes is None:
                    return "the looks at the transcript outgrew the room for them"
                for number, note in enumerate(notes):
                    call = by_name[(lane, note.op)]
                    seen.append((call.end_ns if note.over else call.begin_ns, lane, number, call, note))
        self._names.blobs |= {note.mark: note.content for *_, note in seen if note.content is not None}
        for *_, call, note in sorted(seen, key=lambda item: item[:3]):
            state = self._names.state(note.identity, note.mark)
            if note.over:
                call.after = state
            else:
                call.before = state
        for member in self._members.values():
            # A process that died in an operation could not look after it.
            for lane in member.sockets if member.died_ns else ():
                last = by_name.get((lane, member.board.finished(lane)))
                if last is not None and last.before is not None:
                    last.after = self._names.of(member.last_look)
        return ""


def _excuse(cause: int, detail: str) -> str:
    """Return why an operation may have failed because of the harness; empty if something else did."""
    return of_limit(errno_of(cause)) or excuse_of_error(cause, detail, supervised=False)


def _killed_by(member: Member) -> int:
    """Return the signal that ended a process, or its adapter, if it may have come from anywhere; else 0.

    The signals that lanes send are not seen here. Those of a fault and of abort(3) are a process's own doing.
    """
    board, status = member.board, member.process.exitcode
    number = (board.crash_signal or max(0, -status)) if member.died_ns else 0
    own = not board.has_error and number in FAULTS | {signal.SIGABRT}
    return 0 if own else number


def _ended(status: int) -> str:
    return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"


def _too_slow(program: Program) -> str:
    """Return why a program is not to be run in real time; empty when it is."""
    for lane in program.lanes:
        waits_ms = sum(op.duration_ms + op.steps * program.step_ns / 1e6 for op in lane.ops)
        if waits_ms > _WAIT_MAX_MS:
            return f"{lane.name} waits for {waits_ms / 1000:g} s of real time; run it under the kernel gate"
    return ""


def _patience_s(program: Program) -> float:
    """Return the longest time that a lane waits because its program says so."""
    think_s = 2 * program.step_ns / 1e9
    return max(sum(op.duration_ms / 1000 + op.steps * think_s for op in lane.ops) for lane in program.lanes)
