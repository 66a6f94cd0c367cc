"""The state of one gate's supervisor: data, and the transitions that change it.

Lanes and processes have transitions of their own (`lane`, `process`); one that concerns the whole schedule
is here. Handlers, waits and steps get this state as an argument and keep none themselves.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from harness.gates.kernel.effect_recorder import EffectRecorder
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.interference import Signals, from_outside
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.lock_polls import LockPolls
from harness.gates.kernel.marked_outputs import MarkedOutputs
from harness.gates.kernel.pid_namespaces import PidNamespaces
from harness.gates.kernel.private_stamps import PrivateStamps
from harness.gates.kernel.process import PendingSyscall, Status, by_own_id
from harness.gates.kernel.process_clocks import ProcessClocks
from harness.gates.kernel.real_timers import RealTimers
from harness.gates.kernel.refusals import Refusal, Refusals
from harness.gates.kernel.start_times import StartTimes
from harness.gates.kernel.terminals import Terminals
from harness.gates.kernel.timer_descriptors import TimerDescriptors
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.gates.kernel.watched_call import WatchedCall
from harness.model.code_trace import Stack
from harness.model.history import Event, LockEvent, Step
from harness.model.program import Program
from harness.model.shared_memory import Clock
from harness.system.terminals import open_pair

__all__ = ["SupervisorState"]

#: The shortest end of a directory's name that is taken for one.
_ENDS_FROM: Final = 2
_FLOCK: Final = Status.FLOCK


class SupervisorState:
    """The state of the supervisor of one gate.

    Args:
        files: the session directory.
        clock: virtual time as the workers see it.
        lanes: by index.
        workers: by name of their process, also those that are started later.
        wall_limit_s: a process that neither stops nor sleeps for so long makes the
            schedule inconclusive.
        private: directory beside the session directory where programs may write; empty for none.
        terminals: of programs; absent: from the machine's own.

    Attributes:
        clocks: how the clocks of processes are off.
        private_stamps: what programs are told of files in `private`.
        start_times: when the processes of the schedule were born.
        outputs: of programs that say where their operations begin and end.
        flocks: flocks on the files.
        recorder: records what calls did to the files.
        polls: lanes that ask for a lock again and again.
        namespaces: which process can see which.
        now_ns: virtual time.
        guarded: lanes are kept from changing anything outside the session directory.
        traps: notifications received since the start.
        inconclusive: why the effects of this schedule are not known; the first reason stays.
        disturbed: what another program did to a process in this schedule; empty for nothing.
        stuck: where lanes are that did not stop.
        observer: is told of writes outside the session directory; None for no observer.
        signals: that processes of the schedule have sent.
        real_timers: of processes without virtual time.
        refusals: calls of the schedule that the harness did not allow.
        events: history of the schedule so far.
        moving: the lane that was let go and is not known to have stopped.
        watched: the granted call that has to be watched, if there is one.
        in_call: thread id of the watched call until it has returned; 0 for none.
        started_ns: virtual time at which the schedule began.
        tasks_started: a process or thread was started in this schedule.
        timers_set: a program has set a timer in this schedule.
        timer_descriptors: timers of programs behind descriptors.
    """

    __slots__ = (
        "_drawn_for",
        "_draws",
        "_tells_time",
        "_time",
        "clocks",
        "disturbed",
        "events",
        "files",
        "flocks",
        "guarded",
        "in_call",
        "inconclusive",
        "lanes",
        "moving",
        "namespaces",
        "now_ns",
        "observer",
        "outputs",
        "polls",
        "private",
        "private_stamps",
        "real_timers",
        "recorder",
        "refusals",
        "signals",
        "start_times",
        "started_ns",
        "stuck",
        "tasks_started",
        "terminals",
        "timer_descriptors",
        "timers_set",
        "traps",
        "wall_limit_s",
        "watched",
        "workers",
    )

    def __init__(
        self,
        files: VirtualFiles,
        clock: Clock,
        lanes: Sequence[Lane],
        workers: dict[str, Worker],
        wall_limit_s: float,
        private: str = "",
        terminals: Terminals | None = None,
    ) -> None:
        self.terminals = Terminals(lambda: open_pair(None)) if terminals is None else terminals
        self.outputs = MarkedOutputs()
        self.private = private
        self.private_stamps = PrivateStamps(private)
        self.files = files
        self._time = clock.cell
        self.clocks = ProcessClocks(clock)
        self.start_times = StartTimes()
        self.lanes = list(lanes)
        self.workers = workers
        self.wall_limit_s = wall_limit_s
        self.flocks = Flocks(files)
        self.recorder = EffectRecorder(files, self.flocks)
        self.polls = LockPolls(files, self.flocks, self.recorder)
        self.namespaces = PidNamespaces(workers)
        self.now_ns = 0
        self.guarded = False
        self.traps = 0
        self.inconclusive = ""
        self.disturbed = ""
        self.stuck: list[Stack] = []
        self.observer: Callable[[PendingSyscall], None] | None = None
        self.signals = Signals()
        self.real_timers = RealTimers()
        self.refusals = Refusals()
        self.events: list[Event] = []
        self.moving: Lane | None = None
        self.watched: WatchedCall | None = None
        self.in_call = 0
        self._draws: Counter[tuple[object, ...]] = Counter()
        self._drawn_for = "0"
        self.started_ns = 0
        self.tasks_started = False
        self.timers_set = False
        self._tells_time = False
        self.timer_descriptors = TimerDescriptors()

    # The schedule

    def start_anew(self, program: Program) -> None:
        """Have all processes replaced before a schedule, of which is also what they draw at their start."""
        self._draw_for(f"{program.clock_start_ns} start")
        for worker in self.workers.values():
            worker.replace_later()

    def _draw_for(self, schedule: str) -> None:
        self._draws.clear()
        self._drawn_for = schedule

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self.inconclusive = self.disturbed = ""
        self.stuck = []
        self.signals.clear()
        self.real_timers.begin()
        self.refusals.clear()
        self._draw_for(str(program.clock_start_ns))
        self.events = []
        self.tasks_started = False
        self.timers_set = False
        self.timer_descriptors.begin()
        self.clocks.begin(program)
        self._tells_time = self.clocks.any_off
        self.set_time(program.clock_start_ns)
        self.started_ns = program.clock_start_ns
        self.start_times.begin()
        self.private_stamps.begin()
        self.namespaces.begin(program)
        self.terminals.begin(program)
        self.outputs.begin(program)

    def guard(self, on: bool) -> None:
        """Keep lanes from changing anything outside the session directory, or do not."""
        self.guarded = on

    def note_stuck(self, stacks: Sequence[Stack]) -> None:
        """Note where lanes are that do not stop."""
        self.stuck += stacks

    def why_unknown(self) -> str:
        """Return why the effects of this schedule are not known; empty where they are."""
        return self.inconclusive or self.real_timers.doubt(self.now_ns)

    def note_inconclusive(self, reason: str) -> None:
        """Note why the effects of this schedule are not known."""
        self.inconclusive = self.inconclusive or reason

    def note_disturbed(self, reason: str) -> None:
        """Note what another program did to a process: the schedule is void."""
        self.disturbed = self.disturbed or reason
        self.note_inconclusive(reason)

    def note_killed(self, process: str, pid: int, number: int) -> None:
        """Note that a signal ended a process, unless a process of the schedule may have sent it.

        Args:
            process: in words.
            pid: its id.
            number: of the signal; 0 for none.
        """
        if from_outside(self.signals, pid, number):
            self.note_disturbed(f"{process} was killed by signal {number}")

    def refused(self, pending: PendingSyscall, error: int) -> None:
        """Note that a call is answered with an errno that the kernel might not have given."""
        process, place = pending.process, pending.call.path
        path = ""
        if place >= 0:
            with contextlib.suppress(OSError):
                path = os.fsdecode(process.memory.path(pending.args[place]))
        worker = self.workers.get(process.name)
        lane = process.tasks.get(pending.tid)
        started = {one.index: worker.board.started(one.index) for one in worker.lanes} if worker else {}
        self.refusals.add(
            Refusal(
                process.name,
                lane.index if isinstance(lane, Lane) else -1,
                pending.call.name,
                path,
                error,
                started,
            )
        )

    def drain(self) -> bool:
        """Read what programs have written to terminals and outputs; return whether there was anything."""
        shown = self.terminals.drain()
        return self.outputs.drain() or shown

    def close_outputs(self) -> None:
        """Close terminals and outputs, for the schedule is over."""
        self.terminals.close()
        self.outputs.close()

    def told(self, text: str) -> str:
        """Return a text without the names of directories that differ from run to run."""
        directory = self.files.directory
        for path, name in ((f"{directory}/", ""), (directory, "."), (self.private, "..")):
            text = text.replace(path, name) if path else text
        # A program that has less room shows the end of a path.
        last = os.path.basename(directory)
        for at in range(len(last) - _ENDS_FROM):
            text = text.replace(f"{last[at:]}/", "")
        return text

    def process_id(self, pid: int) -> int:
        """Return a process's id here, given that in its namespace; 0 for none of the schedule."""
        for worker in self.workers.values():
            process = by_own_id(worker.processes(), pid) if pid > 0 else None
            if process is not None:
                return process.pid
        return 0

    def task_started(self) -> None:
        """Note that a process or thread is started, which gets an id."""
        self.tasks_started = self._tells_time = True

    def timer_set(self) -> None:
        """Note that a program has set a timer."""
        self.timers_set = True

    def set_time(self, now_ns: int) -> None:
        """Set virtual time."""
        self.private_stamps.take_in(self.now_ns)
        self.now_ns = self._time[0] = now_ns

    def later(self, duration_ns: int) -> int:
        """Return the virtual time after a duration, as late as time can be at most."""
        return min(self.now_ns + duration_ns, FOREVER_NS)

    def random(self, length: int, *stream: object) -> bytes:
        """Return random bytes that are the same in every run of the schedule.

        Args:
            length: how many.
            stream: names the draws among which these are counted; absent: those of all programs.
        """
        self._draws[stream] += 1
        text = f"harness random {self._drawn_for} {self._draws[stream]}" + (f" {stream}" if stream else "")
        return hashlib.shake_128(text.encode()).digest(length)

    # Steps

    def let_go(self, lane: Lane) -> None:
        """Note that a lane moves, and what time it is for the programs that it runs."""
        if self._tells_time:
            self._tell_time(lane)
        lane.resume()
        self.moving = lane

    def _tell_time(self, lane: Lane) -> None:
        if self.now_ns >= self.clocks.change_ns:
            self.clocks.change(self.now_ns)
        # A program is a process that was started in this schedule.
        if self.tasks_started and lane.worker is not None:
            for tracee in lane.worker.tracees.values():
                if tracee.program.clock is not None:
                    tracee.program.clock.tell(self.now_ns, self.clocks.ahead_ns(lane.worker.name))

    def came_to_rest(self) -> WatchedCall | None:
        """Note that no lane moves; return the watched call with its effect, if there was one."""
        self.moving = None
        watched = self.watched
        if watched is not None:
            if self.in_call:
                self.call_returned()
            self.watched = None
        return watched

    def watch(self, watched: WatchedCall, tid: int = 0) -> None:
        """Watch a granted call.

        Args:
            watched: the call.
            tid: its thread, whose next notification says that the call has returned; 0
                where the effect is known already.
        """
        self.watched = watched
        self.in_call = tid

    def received(self, tid: int) -> None:
        """Count a notification; of the watched call's thread it says that the call has returned."""
        self.traps += 1
        if tid == self.in_call:
            self.call_returned()

    def call_returned(self) -> None:
        """Record the effect of the watched call, before its lane does anything else."""
        watched = self.watched
        assert watched is not None
        self.in_call = 0
        watched.had(self.recorder.after(watched.lane, watched.pending))

    def lock_lost(self, lock: LockEvent) -> None:
        """Add what the end of a process did to the write lock to the step that is under way."""
        if self.watched is not None:
            self.watched.lost(lock)
            return
        for at in range(len(self.events) - 1, -1, -1):
            event = self.events[at]
            if isinstance(event, Step):
                self.events[at] = msgspec.structs.replace(event, lock=event.lock or lock)
                return

    def observe_writes(self, observer: Callable[[PendingSyscall], None]) -> None:
        """Have a function told of each write outside the session directory."""
        self.observer = observer
