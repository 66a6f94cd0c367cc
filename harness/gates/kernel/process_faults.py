"""What happens to a lane, or to its whole process, instead of its next call: killed, stopped, delayed.

A killed process is killed by SIGKILL with all that it started: its lanes end, the kernel lets
its flocks go, and whatever else it leaves in the directory stays. Nothing is sent to one
that is stopped: it stands in its calls, and none of its lanes is shown before its time is
over. A lane whose call is slow stands before it so long, and its neighbours go on.
"""

from __future__ import annotations

import contextlib
import errno
import select
import signal
from collections.abc import Iterable, Sequence

from harness.gates.kernel.effect_recorder import EffectRecorder
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, Status, Worker
from harness.gates.kernel.notifications import Notifications
from harness.gates.kernel.partial_write import write_for
from harness.gates.kernel.virtual_clock import FOREVER_NS
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.gate import Verdict
from harness.model.history import Change, LockEvent, Step
from harness.model.shared_memory import Clock
from harness.scenario.faults import CUTTABLE, process_fault
from harness.system.reap import REAP_S

__all__ = ["CUTTABLE_BYTES", "ProcessFaults", "part_of"]

#: A write of fewer cannot be cut short.
CUTTABLE_BYTES = 2
_MS = 1_000_000


def part_of(length: int, keep_permille: int) -> int:
    """How many bytes of a write are written that is cut short: at least one, and not all."""
    return 1 + (length - CUTTABLE_BYTES) * keep_permille // 999


class ProcessFaults:
    """What befalls the lanes of one gate.

    Args:
        world, truth, flocks: of the gate.
        clock: virtual time.
        lanes: by index.

    Attributes:
        held: some lane may stand without being ready, in this schedule.
    """

    def __init__(
        self, world: VirtualFiles, truth: EffectRecorder, flocks: Flocks, clock: Clock, lanes: Sequence[Lane]
    ) -> None:
        self._world = world
        self._truth = truth
        self._flocks = flocks
        self._clock = clock
        self._lanes = list(lanes)
        self.held = False

    def begin(self, intake: Notifications) -> None:
        """Start a schedule."""
        self._intake = intake
        self.held = False

    def befall(self, lane: Lane, path: str, verdict: Verdict) -> Step:
        """Let it happen to a lane that stands.

        Args:
            lane: which.
            path: alias of what its call is about.
            verdict: of a kind that is the name of a process fault.
        """
        name = verdict.kind
        fault = process_fault(name)
        assert fault is not None, name
        control = _Control(self, lane, path, verdict)
        fault.befall(control, verdict.duration_ns)
        if control.ended is not None:
            return control.ended
        lasts = f"{verdict.duration_ns // _MS} ms " if fault.lasts else ""
        return Step(lane.index, lane.op, name, "", f"{lasts}before {_told(lane, path)}", fault=name)

    def hold(self, lanes: Iterable[Lane], duration_ns: int) -> None:
        """Let no lane of some take a step for a while."""
        self.held = True
        then = self._in(duration_ns)
        for one in lanes:
            one.held_ns = max(one.held_ns, then)

    def advance(self, duration_ns: int) -> None:
        """Let virtual time run ahead."""
        self._intake.now_ns = self._clock.now_ns = self._in(duration_ns)

    def _in(self, duration_ns: int) -> int:
        return min(self._intake.now_ns + duration_ns, FOREVER_NS)

    # Killed

    def kill(self, lane: Lane, path: str, keep_permille: int) -> Step:
        """Kill the process of a lane that stands, in the midst of its write where that is to be cut."""
        worker = lane.worker
        assert worker is not None
        note, change = "", None
        if keep_permille >= 0:
            note, change = self._write_part(lane, keep_permille)
        op, call = lane.op, lane.stand.call.name
        if not note:
            note, call, path = f"before {_told(lane, path)}", "kill", ""
        self._end(worker)
        return Step(lane.index, op, call, path, note, change, self._let_go(), "kill")

    def _write_part(self, lane: Lane, keep_permille: int) -> tuple[str, Change | None]:
        """Write what the kernel has written by the time that it sees the signal.

        Returns:
            How much that is, empty when nothing can be, and what it changed.
        """
        stand = lane.stand
        length = stand.args[2] if lane.status is Status.FILE and stand.call.name in CUTTABLE else 0
        if length < CUTTABLE_BYTES:
            return "", None
        self._truth.before(lane, stand)
        value = write_for(stand, part_of(length, keep_permille))
        if value == -errno.EPERM:
            self._intake.doubt("a write could not be cut short: this machine does not allow pidfd_getfd")
        if value is None or value < 0:
            return "", None
        change, _ = self._truth.after(lane, stand)
        return f"{value} of {length} bytes", change

    def _end(self, worker: Worker) -> None:
        """Kill a process with its family, and leave none of its lanes standing."""
        worker.dirty = True
        for lane in worker.lanes:
            lane.candidate = lane.actor = lane.own = None
            if lane.status is not Status.DONE:
                lane.status = Status.DEAD
        # Nobody of it waits for anybody any more.
        worker.blocked.clear()
        worker.held.clear()
        worker.sleeps = worker.cloned = False
        worker.sleepers = 0
        for space in (worker, *worker.units.values()):
            _kill(space.pidfd)
        # First of all, so that its children are ours to be reaped: a zombie still seems to live.
        worker.process.join(REAP_S)
        if worker.process.is_alive():
            self._intake.doubt(f"process {worker.name} was killed and is still there")
        while worker.units:
            for unit in list(worker.units.values()):
                _kill(unit.pidfd)
                select.select([unit.pidfd], (), (), REAP_S)
                self._intake.crowd.family.bury(worker, unit, killed=True)
        worker.served.clear()
        worker.crowded = False

    def _let_go(self) -> LockEvent | None:
        """What the kernel has let go with a process."""
        self._world.abandoned()
        free, event = self._flocks.left()
        for node in free:
            self._flocks.wake(self._lanes, node)
        return event


class _Control:
    """What a process fault can do to one lane; see `harness.scenario.faults.ProcessControl`.

    Attributes:
        ended: the step by which the process ended, if it did.
    """

    def __init__(self, faults: ProcessFaults, lane: Lane, path: str, verdict: Verdict) -> None:
        self._faults = faults
        self._lane = lane
        self._path = path
        self._keep_permille = verdict.keep_permille
        self.ended: Step | None = None

    def end(self) -> None:
        self.ended = self.ended or self._faults.kill(self._lane, self._path, self._keep_permille)

    def hold_process(self, duration_ns: int) -> None:
        assert self._lane.worker is not None
        self._faults.hold(self._lane.worker.lanes, duration_ns)

    def hold_lane(self, duration_ns: int) -> None:
        self._faults.hold((self._lane,), duration_ns)

    def advance_clock(self, duration_ns: int) -> None:
        self._faults.advance(duration_ns)


def _told(lane: Lane, path: str) -> str:
    """What a lane was about to do."""
    if lane.status is not Status.FILE:
        return "it thinks" if lane.status is Status.THINK else "it goes on"
    return f"{lane.stand.call.name} {path}".rstrip(" ")


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
