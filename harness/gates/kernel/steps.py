"""One step of a lane: let go, watched, and taken down.

What a call does is known beforehand for most of them, and they are taken down as
they are let go. The others are *watched*: `Notifications` says when the call has returned,
and `EffectRecorder` looks at what it did. In both cases what the lane does until its next stop
belongs to the step.
"""

from __future__ import annotations

import errno
import os

import msgspec

from harness.gates.kernel import linux_abi
from harness.gates.kernel.effect_recorder import EffectRecorder, stat_target
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.lane import Lane, PendingSyscall, Status, answer
from harness.gates.kernel.notifications import Notifications
from harness.gates.kernel.partial_write import write_for
from harness.gates.kernel.process_faults import CUTTABLE_BYTES, ProcessFaults, part_of
from harness.gates.kernel.syscall_table import FLOCK, open_note
from harness.gates.kernel.tracee_memory import pack_stat, pack_statx
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.gate import CALL_VERDICTS, Verdict
from harness.model.history import Change, Event, LockEvent, Step
from harness.model.program import Program
from harness.model.shared_memory import Clock

__all__ = ["PAUSES", "Steps"]

#: Steps without a call, by the status of the lane that takes them.
PAUSES = {Status.THINK: "think", Status.SLEEP: "sleep", Status.TURN: "turn"}

_NOTHING: tuple[Change | None, LockEvent | None] = (None, None)
_CONTINUE = linux_abi.RESPONSE_CONTINUE


class Steps:
    """The steps of one gate's lanes.

    Args:
        world, truth, flocks: of the gate.
        clock: virtual time.
        lanes: by index.

    Attributes:
        events: of the schedule, so far.
        moving: the lane that was let go and of which it is not known that it stopped.
        process_faults: what happened to lanes beside their calls.
    """

    def __init__(
        self, world: VirtualFiles, truth: EffectRecorder, flocks: Flocks, clock: Clock, lanes: list[Lane]
    ) -> None:
        self._world = world
        self._truth = truth
        self._flocks = flocks
        self._clock = clock
        self._lanes = lanes
        self.process_faults = ProcessFaults(world, truth, flocks, clock, lanes)
        self.events: list[Event] = []
        self.moving: Lane | None = None
        self._watched: tuple[Lane, PendingSyscall, int, str, str] | None = None
        self._done = _NOTHING
        self._ended: LockEvent | None = None
        #: The verdict on the watched step, where it is not a plain run.
        self._fault = ""

    def begin(self, program: Program, intake: Notifications) -> None:
        """Start a schedule."""
        self.events = []
        self._intake = intake
        self.process_faults.begin(intake)
        self._step_ns = program.step_ns
        self._birth_time = program.filesystem.birth_time

    def grant(self, lane: Lane, path: str, verdict: Verdict) -> None:
        """Let one lane take its step.

        Args:
            lane: stands, or may wake up.
            path: alias of what its call is about.
            verdict: what is to happen to it; an flock that did not have to wait cannot fail.
        """
        assert self.moving is None
        intake = self._intake
        intake.now_ns = self._clock.now_ns = intake.now_ns + self._step_ns
        lane.ordinal += 1
        lane.candidate = None
        status = lane.status
        if verdict.kind not in CALL_VERDICTS:
            self.events.append(self.process_faults.befall(lane, path, verdict))
        elif status is Status.FILE:
            if verdict.kind == "fail" and (lane.stand.call is not FLOCK or lane.stand.waited):
                self._fail(lane, path, verdict.errno)
            elif verdict.kind == "short":
                self._cut_short(lane, path, verdict.keep_permille)
            else:
                self._run(lane, path)
        elif status is Status.THINK:
            lane.think_left -= 1
            self.events.append(Step(lane.index, lane.op, "think"))
            if lane.think_left <= 0:
                self.release(lane, 1)
        else:
            assert status in (Status.SLEEP, Status.TURN), status
            self.events.append(Step(lane.index, lane.op, PAUSES[status]))
            self.release(lane, 0)

    def release(self, lane: Lane, value: int, error: int = 0, flags: int = 0) -> None:
        """Let a lane go with an answer to its call."""
        assert lane.worker is not None
        lane.status = Status.MOVING
        self.moving = lane
        answer(lane.worker, lane.stand.trap_id, value, error, flags)

    def _fail(self, lane: Lane, path: str, code: int) -> None:
        self._truth.before(lane, lane.stand)
        self._watched, self._done = (lane, lane.stand, lane.op, path, ""), _NOTHING
        self._fault = errno.errorcode[code]
        self.release(lane, 0, -code)

    def _cut_short(self, lane: Lane, path: str, keep_permille: int) -> None:
        """Write a part of a write's bytes in the lane's place; what cannot be cut runs whole."""
        stand = lane.stand
        length = stand.args[2]
        self._truth.before(lane, stand)
        value = write_for(stand, part_of(length, keep_permille)) if length >= CUTTABLE_BYTES else None
        if value is None:
            self._run(lane, path)
            return
        if value == -errno.EPERM:
            self._intake.doubt("a write could not be cut short: this machine does not allow pidfd_getfd")
        self._done = self._truth.after(lane, stand)
        note = f"{value} of {length} bytes" if value >= 0 else ""
        self._watched = (lane, stand, lane.op, path, note)
        self._fault = "short" if value >= 0 else ""
        self.release(lane, max(value, 0), min(value, 0))

    def _run(self, lane: Lane, path: str) -> None:
        stand, worker = lane.stand, lane.worker
        assert worker is not None
        call = stand.call
        kind = call.kind
        if call is FLOCK:
            self._flock(lane, path)
        elif worker.mapped:
            self._watch(lane, path)
        elif kind == "look":
            self.events.append(Step(lane.index, lane.op, call.name, path))
            self.release(lane, 0, 0, _CONTINUE)
        elif kind == "open":
            if self._truth.opening(lane, stand):
                self.events.append(Step(lane.index, lane.op, call.name, path, open_note(stand.flags)))
                self.release(lane, 0, 0, _CONTINUE)
            else:
                self._watch(lane, path)
        elif kind == "close" and not self._world.copied:
            lock = self._truth.closing(stand)
            self.events.append(Step(lane.index, lane.op, call.name, path, "", None, lock))
            self._flocks.wake(self._lanes, stand.node)
            self.release(lane, 0, 0, _CONTINUE)
        elif kind == "stat":
            self.events.append(Step(lane.index, lane.op, call.name, path))
            if self._answer_stat(lane):
                self.release(lane, 0)
            else:
                self.release(lane, 0, 0, _CONTINUE)
        else:
            self._watch(lane, path)

    def _flock(self, lane: Lane, path: str) -> None:
        code, lock = self._flocks.take(lane, lane.stand)
        self.events.append(Step(lane.index, lane.op, "flock", path, lock=lock))
        if code is None:
            lane.status = Status.FLOCK
            lane.stand.waited = True
            return
        self._flocks.wake(self._lanes, lane.stand.node)
        self.release(lane, 0, -code)

    def _answer_stat(self, lane: Lane) -> bool:
        """Put virtual number and times where stat or statx wants them; False leaves it to the kernel."""
        stand, world = lane.stand, self._world
        space = stand.space
        target = stat_target(world, space, stand)
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
            space.memory.write(args[4], pack_statx(real, node, self._birth_time))
        else:
            space.memory.write(args[2] if name == "newfstatat" else args[1], pack_stat(real, node))
        return True

    def ended_by(self, lock: LockEvent) -> None:
        """A process ended in the course of the step, and its locks with it."""
        if self._watched is not None:
            self._ended = lock
            return
        for at in range(len(self.events) - 1, -1, -1):
            event = self.events[at]
            if isinstance(event, Step):
                self.events[at] = msgspec.structs.replace(event, lock=event.lock or lock)
                return

    # Watched steps

    def _watch(self, lane: Lane, path: str) -> None:
        stand = lane.stand
        self._truth.before(lane, stand)
        note = open_note(stand.flags) if stand.call.kind == "open" else ""
        self._intake.in_call = stand.tid
        self._watched = (lane, stand, lane.op, path, note)
        if stand.call.kind == "stat" and self._answer_stat(lane):
            self.release(lane, 0)
        else:
            self.release(lane, 0, 0, _CONTINUE)

    def call_returned(self) -> None:
        """The call of the watched step is over, and its lane has done nothing else yet."""
        assert self._watched is not None
        self._done = self._truth.after(self._watched[0], self._watched[1])

    def take_down(self) -> None:
        """Note the watched step, if there is one, now that its lane has come to rest."""
        if self._watched is None:
            return
        lane, stand, op, path, note = self._watched
        self._watched = None
        if self._intake.in_call:
            self._intake.in_call = 0
            self._done = self._truth.after(lane, stand)
        change, lock = self._done
        lock, self._ended = lock or self._ended, None
        if lane.worker is not None and lane.worker.mapped:
            change = self._truth.stored(lane, change)
        fault, self._fault = self._fault, ""
        self.events.append(Step(lane.index, op, stand.call.name, path, note, change, lock, fault))
        if stand.call.kind in ("close", "table"):
            self._flocks.wake(self._lanes, stand.node)
