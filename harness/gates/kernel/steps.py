"""One step of a lane: granted, watched, and recorded.

The effect of most calls is known beforehand, and their steps are recorded as
they are granted. The others are *watched*: the next notification of their thread says that the call has
returned, and `EffectRecorder` looks at what it did. In both cases what the lane does until its next stop
belongs to the step.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Final

from harness.gates.kernel import linux_abi
from harness.gates.kernel.adapter_time import awake
from harness.gates.kernel.flock_wakeups import wake_flock_waiters
from harness.gates.kernel.inode import Inode, Shown
from harness.gates.kernel.lane import Lane
from harness.gates.kernel.partial_write import CUTTABLE_BYTES, part_of, write_for
from harness.gates.kernel.process import PendingSyscall, Status, respond
from harness.gates.kernel.process_faults import ProcessFaults
from harness.gates.kernel.stat_appearance import Appearance
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_arguments import stat_target
from harness.gates.kernel.syscall_table import FLOCK, open_note
from harness.gates.kernel.terminals import Typist
from harness.gates.kernel.timer_steps import EndingTimer, end_timer
from harness.gates.kernel.tracee_memory import pack_stat, pack_statx
from harness.gates.kernel.watched_call import WatchedCall
from harness.model.gate import CALL_VERDICTS, RUN, Verdict
from harness.model.history import LockEvent, Step
from harness.model.program import Program
from harness.scenario.faults import recorded_name

__all__ = ["Steps", "pause_name"]

#: Steps without a call, by the status of the lane that takes them.
_PAUSES: Final = {Status.THINK: "think", Status.SLEEP: "sleep", Status.TURN: "turn", Status.TIMER: "timer"}

_FILE: Final = Status.FILE
_THINK: Final = Status.THINK
_SLEEP: Final = Status.SLEEP
_TIMER: Final = Status.TIMER
#: Flags of an answer: the kernel runs the call, or it is done already.
_RUN_IT: Final = linux_abi.RESPONSE_CONTINUE
_ANSWERED: Final = 0
_EXCLUSIVE: Final = os.O_EXCL


def pause_name(lane: Lane) -> str:
    """Return the name of the step with which a lane goes on that is stopped before no file call."""
    if lane.status is _SLEEP:
        if lane.starting:
            return "start"
        if isinstance(lane.delegate, Typist):
            return "key"
    return _PAUSES[lane.status]


class Steps:
    """The steps of one gate's lanes.

    Args:
        state: of the supervisor.

    Attributes:
        process_faults: faults that strike lanes instead of their calls.
    """

    def __init__(self, state: SupervisorState) -> None:
        self._state = state
        self._files = state.files
        self._recorder = state.recorder
        self._flocks = state.flocks
        self._polls = state.polls
        self.process_faults = ProcessFaults(state)

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self.process_faults.begin(program)
        self._step_ns = program.step_ns
        self._birth_time = program.filesystem.birth_time
        self._appearance: Appearance | None = None

    def files_laid(self) -> None:
        """Take in that the files of the schedule are there."""
        self._appearance = self._files.appearance()

    def grant(self, lane: Lane, path: str, verdict: Verdict) -> None:
        """Let one lane take its step.

        Args:
            lane: is stopped, or may wake up.
            path: alias of the file that its call is about.
            verdict: what is to happen to it; a call that lets a lock go cannot fail, and EINTR only ends
                the wait of an flock.
        """
        state = self._state
        lane.begin_step()
        status = lane.status
        if status is not _TIMER:
            state.set_time(state.now_ns + self._step_ns)
        if self._polls.asking:
            self._polls.stepped(lane, status)
        if verdict is not RUN and self._strikes(lane, path, verdict):
            return
        if lane.held_ns > state.now_ns or (status is _SLEEP and lane.wake_ns > state.now_ns):
            self._end_wait(lane)
        if status is _FILE:
            self._run(lane, path)
        elif status is _THINK:
            state.events.append(Step(lane.index, lane.told_op, "think"))
            if lane.think_once():
                self.release(lane, 1)
        elif status is _TIMER:
            state.events.append(Step(lane.index, lane.op, pause_name(lane)))
            self._end_timer(lane)
        else:
            assert status in (Status.SLEEP, Status.TURN), status
            self._end_pause(lane)

    def _strikes(self, lane: Lane, path: str, verdict: Verdict) -> bool:
        """Let a fault strike; return False where it is none of this step, which is taken as usual."""
        if verdict.kind not in CALL_VERDICTS:
            self._state.events.append(self.process_faults.inject(lane, path, verdict))
            return True
        if lane.status is not _FILE:
            return False
        if verdict.kind == "fail" and self._can_fail(lane.pending, verdict.errno):
            self._fail(lane, path, verdict.errno)
            return True
        return verdict.kind == "short" and self._cuts_short(lane, path, verdict.keep_permille)

    def _appears(self, appearance: Appearance, pending: PendingSyscall) -> None:
        """Tell what stat shows of files about the call that is made now."""
        appearance.before(pending, self._recorder.target_of(pending), self._files.stamp())

    def release(self, lane: Lane, value: int, error: int = 0, flags: int = 0) -> None:
        """Let a lane go with an answer to its call."""
        worker = lane.worker
        assert worker is not None
        self._state.let_go(lane)
        respond(worker, lane.pending.trap_id, value, error, flags)

    def _end_wait(self, lane: Lane) -> None:
        """Let time jump to the end of a wait: the lane may go on, for the lock that it wants is free."""
        asked_ns = lane.wake_ns if lane.status is _SLEEP else 0
        self._state.set_time(max(self._state.now_ns, lane.held_ns, asked_ns))

    def _end_pause(self, lane: Lane) -> None:
        """Let a lane go on whose sleep is over, or that has waited for a key or with a time-out."""
        name, thread = pause_name(lane), lane.delegate
        if isinstance(thread, Typist):
            # The key wakes the program, which has to be told the time before.
            self._state.let_go(lane)
            typed = thread.terminal.type_next()
            self._state.events.append(Step(lane.index, lane.told_op, name, "", typed))
            return
        self._state.events.append(Step(lane.index, lane.told_op, name))
        wait = None
        if thread is not None:
            awake(self._state, thread)
            wait = thread.tracee.program.take_wait(thread.tid)
        if wait is None:
            self.release(lane, 0)
        elif wait.is_over():
            self.release(lane, *wait.answer(self._state.now_ns))
        else:
            self.release(lane, *wait.time_out())

    def _end_timer(self, lane: Lane) -> None:
        """Let the processes of a lane go on that a timer wakes."""
        ending = lane.delegate
        assert isinstance(ending, EndingTimer)
        # It may give up what it waited for.
        lane.stop_polling()
        self._state.let_go(lane)
        end_timer(self._state, ending)

    def _can_fail(self, pending: PendingSyscall, code: int) -> bool:
        """Return whether a call may be made to fail: a lock that is let go is gone, and EINTR ends a wait."""
        if pending.call is FLOCK:
            return pending.waited if code == errno.EINTR else not pending.args[1] & fcntl.LOCK_UN
        return pending.call.kind != "lock" or self._recorder.takes_record_lock(pending)

    def _fail(self, lane: Lane, path: str, code: int) -> None:
        pending = lane.pending
        if self._appearance is not None:
            self._appears(self._appearance, pending)
        self._recorder.before(lane, pending)
        self._state.watch(WatchedCall(lane, pending, lane.told_op, path, fault=recorded_name(code)))
        self.release(lane, 0, -code)

    def _cuts_short(self, lane: Lane, path: str, keep_permille: int) -> bool:
        """Write a part of a write's bytes in the lane's place; return False for a call that cannot be cut."""
        pending = lane.pending
        length = pending.args[2]
        if length < CUTTABLE_BYTES:
            return False
        if self._appearance is not None:
            self._appears(self._appearance, pending)
        self._recorder.before(lane, pending)
        value = write_for(pending, part_of(length, keep_permille))
        if value is None:
            return False
        if value == -errno.EPERM:
            self._state.note_inconclusive(
                "a write could not be cut short: this machine does not allow pidfd_getfd"
            )
        effect = self._recorder.after(lane, pending)
        note, fault = (f"{value} of {length} bytes", "short") if value >= 0 else ("", "")
        self._state.watch(WatchedCall(lane, pending, lane.told_op, path, note, fault, effect))
        self.release(lane, max(value, 0), min(value, 0))
        return True

    def _run(self, lane: Lane, path: str) -> None:
        pending, worker = lane.pending, lane.worker
        assert worker is not None
        call = pending.call
        if self._appearance is not None:
            self._appears(self._appearance, pending)
        if call.asks or self._polls.asking:
            self._polls.before(lane, pending)
        if worker.maps_files and call.kind != "lock":
            flags: int | None = self._watch(lane, pending, path)
        else:
            flags = self._record(lane, pending, path)
        if flags is not None:
            self._state.let_go(lane)
            respond(worker, pending.trap_id, 0, 0, flags)

    def _record(self, lane: Lane, pending: PendingSyscall, path: str) -> int | None:
        """Record a call in the way of its kind; any other kind is watched."""
        kind = pending.call.kind
        if kind == "look":
            return self._look(lane, pending, path)
        if kind == "open":
            return self._open(lane, pending, path)
        if kind == "close":
            return self._close(lane, pending, path)
        if kind == "stat":
            return self._stat(lane, pending, path)
        return self._lock(lane, pending, path) if kind == "lock" else self._watch(lane, pending, path)

    # The ways in which calls are recorded. Each returns the flags with which the call is answered then; None
    # where its lane has to wait, or has been answered.

    def _look(self, lane: Lane, pending: PendingSyscall, path: str) -> int:
        self._state.events.append(Step(lane.index, lane.told_op, pending.call.name, path))
        return _RUN_IT

    def _open(self, lane: Lane, pending: PendingSyscall, path: str) -> int:
        if pending.flags & _EXCLUSIVE and not self._polls.asking:
            self._polls.before(lane, pending)
        if not self._recorder.record_open(lane, pending):
            return self._watch(lane, pending, path)
        note = open_note(pending.flags)
        self._state.events.append(Step(lane.index, lane.told_op, pending.call.name, path, note))
        return _RUN_IT

    def _close(self, lane: Lane, pending: PendingSyscall, path: str) -> int:
        if self._files.copied:
            return self._watch(lane, pending, path)
        lock = self._recorder.record_close(pending)
        self._state.events.append(Step(lane.index, lane.told_op, pending.call.name, path, "", None, lock))
        wake_flock_waiters(self._state, pending.inode)
        return _RUN_IT

    def _stat(self, lane: Lane, pending: PendingSyscall, path: str) -> int:
        self._state.events.append(Step(lane.index, lane.told_op, pending.call.name, path))
        return _ANSWERED if self._answer_stat(pending) else _RUN_IT

    def _lock(self, lane: Lane, pending: PendingSyscall, path: str) -> int | None:
        if pending.call is FLOCK:
            self._flock(lane, pending, path)
            return None
        if not self._recorder.must_wait(pending):
            return self._watch(lane, pending, path)
        blocked = Step(lane.index, lane.told_op, pending.call.name, path, lock=LockEvent("blocked"))
        self._state.events.append(blocked)
        lane.wait_for_flock()
        self._flocks.note_waiters()
        return None

    def _flock(self, lane: Lane, pending: PendingSyscall, path: str) -> None:
        code, lock = self._flocks.acquire(lane, pending)
        self._state.events.append(Step(lane.index, lane.told_op, "flock", path, lock=lock))
        if code is None:
            lane.wait_for_flock()
            return
        wake_flock_waiters(self._state, pending.inode)
        self.release(lane, 0, -code)

    def _watch(self, lane: Lane, pending: PendingSyscall, path: str) -> int:
        self._recorder.before(lane, pending)
        note = open_note(pending.flags) if pending.call.kind == "open" else ""
        self._state.watch(WatchedCall(lane, pending, lane.told_op, path, note), pending.tid)
        answered = pending.call.kind == "stat" and self._answer_stat(pending)
        return _ANSWERED if answered else _RUN_IT

    def _answer_stat(self, pending: PendingSyscall) -> bool:
        """Write virtual number and times where a stat wants them; return False to leave it to the kernel."""
        files, process, appearance = self._files, pending.process, self._appearance
        target = stat_target(files, process, pending)
        if target is None:
            return False
        if appearance is not None and (known := appearance.remembered(pending)) is not None:
            self._tell(pending, *known)
            return True
        try:
            real = os.stat(target[0], follow_symlinks=target[1])
        except OSError:
            return False
        if real.st_dev != files.device:
            return False
        is_directory = real.st_ino == files.directory_ino
        inode = files.directory_inode if is_directory else files.by_ino.get(real.st_ino)
        if inode is None:
            return False
        shown: Inode | Shown = inode
        if appearance is not None and not is_directory:
            shown = appearance.show(pending, real, inode)
        self._tell(pending, real, shown)
        return True

    def _tell(self, pending: PendingSyscall, real: os.stat_result, shown: Inode | Shown) -> None:
        """Write what a stat is told where it wants it."""
        name, args, memory = pending.call.name, pending.args, pending.process.memory
        if name == "statx":
            memory.write(args[4], pack_statx(real, shown, self._birth_time))
        else:
            memory.write(args[2] if name == "newfstatat" else args[1], pack_stat(real, shown))

    def record(self, watched: WatchedCall) -> None:
        """Record a watched step, now that its lane has come to rest."""
        lane, pending = watched.lane, watched.pending
        change, lock = watched.effect
        if lane.worker is not None and lane.worker.maps_files:
            change = self._recorder.stored(lane, change)
        self._state.events.append(
            Step(
                lane.index,
                watched.op,
                pending.call.name,
                watched.path,
                watched.note,
                change,
                lock or watched.lock,
                watched.fault,
            )
        )
        if pending.call.kind in ("close", "lock", "table"):
            wake_flock_waiters(self._state, pending.inode)
