"""Faults that strike a lane, or its whole process, instead of its next call: killed, stopped, delayed.

A killed process is killed by SIGKILL with all that it started: its lanes end, the kernel releases
its flocks, and everything else that it leaves in the directory stays. A stopped one gets no signal:
it stays in its calls, and none of its lanes is shown before its time is
over. A lane whose call is slow stays before it so long, and its neighbours go on.
"""

from __future__ import annotations

import contextlib
import errno
import signal
from collections.abc import Iterable

from harness.gates.kernel.adapter_waits import waited_ns
from harness.gates.kernel.flock_wakeups import release_locks_of_ended
from harness.gates.kernel.lane import Lane, Worker
from harness.gates.kernel.partial_write import CUTTABLE_BYTES, part_of, write_for
from harness.gates.kernel.process import Status
from harness.gates.kernel.process_tree import end_all
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.model.gate import Verdict
from harness.model.history import Change, Step
from harness.model.program import Program
from harness.scenario.faults import CUTTABLE, process_fault
from harness.system.reap import ended

__all__ = ["ProcessFaults"]

_MS = 1_000_000
#: So often an adapter may wait for one lock in real time.
_REAL_POLLS_MAX = 200


class ProcessFaults:
    """Injects process faults into the lanes of one gate.

    Args:
        state: of the supervisor.

    Attributes:
        held: in this schedule a lane may be stopped without being ready.
    """

    def __init__(self, state: SupervisorState) -> None:
        self._state = state
        self.held = False

    def begin(self, program: Program) -> None:
        """Start a schedule."""
        self.held = False
        self._program = program

    def inject(self, lane: Lane, path: str, verdict: Verdict) -> Step:
        """Inject a fault into a lane that is stopped; return its step.

        Args:
            lane: which.
            path: alias of the file that its call is about.
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
        return Step(lane.index, lane.told_op, name, "", f"{lasts}before {_next_act(lane, path)}", fault=name)

    def hold(self, lanes: Iterable[Lane], duration_ns: int) -> None:
        """Let none of some lanes take a step for a while."""
        self.held = True
        until_ns = self._state.later(duration_ns)
        for lane in lanes:
            lane.hold(until_ns)

    def hold_as_waited(self, worker: Worker, lane: Lane) -> None:
        """Let a lane take no step for as long as its adapter has waited in real time before it stopped."""
        duration_ns = waited_ns(worker, lane)
        if not duration_ns:
            return
        self.held = True
        lane.hold(self._state.later(duration_ns), polls=True)
        if lane.poll_name is not None:
            lane.oversleep()
            if lane.poll_count > _REAL_POLLS_MAX:
                self._state.note_inconclusive(
                    f"lane {lane.index} has waited {_REAL_POLLS_MAX} times by the machine's clock for a lock "
                    "that stays, and whether it ever gives up would take too long to see: let the adapter "
                    "wait by sleep_ms (docs/external-fence.md, Waiting)"
                )

    def advance(self, duration_ns: int) -> None:
        """Let virtual time jump ahead."""
        self._state.set_time(self._state.later(duration_ns))

    # Killed

    def kill(self, lane: Lane, path: str, keep_permille: int) -> Step:
        """Kill the process of a lane, in the middle of its write where that is to be cut."""
        state, worker = self._state, lane.worker
        assert worker is not None
        note, change = "", None
        if keep_permille >= 0:
            note, change = self._write_part(lane, keep_permille)
        op, call = lane.told_op, lane.pending.call.name
        if not note:
            note, call, path = f"before {_next_act(lane, path)}", "kill", ""
        self._end(worker)
        lock = release_locks_of_ended(state)
        for revived in state.lanes:
            own = self._program.lanes[revived.index]
            if own.revives == worker.name and not revived.starting:
                revived.starts_again(state.later(own.after_ms * _MS))
        return Step(lane.index, op, call, path, note, change, lock, "kill")

    def _write_part(self, lane: Lane, keep_permille: int) -> tuple[str, Change | None]:
        """Write the bytes that the kernel has written by the time that it sees the signal.

        Returns:
            How many those are, empty when none can be written, and what they changed.
        """
        pending, recorder = lane.pending, self._state.recorder
        length = pending.args[2] if lane.status is Status.FILE and pending.call.name in CUTTABLE else 0
        if length < CUTTABLE_BYTES:
            return "", None
        recorder.before(lane, pending)
        value = write_for(pending, part_of(length, keep_permille))
        if value == -errno.EPERM:
            self._state.note_inconclusive(
                "a write could not be cut short: this machine does not allow pidfd_getfd"
            )
        if value is None or value < 0:
            return "", None
        change, _ = recorder.after(lane, pending)
        return f"{value} of {length} bytes", change

    def _end(self, worker: Worker) -> None:
        """Kill a process with all that it started, and leave none of its lanes stopped."""
        worker.killed()
        for process in worker.processes():
            _kill(process.pidfd)
        # First of all, so that its children are ours to be reaped: a zombie still seems to live.
        ended(worker.handle)
        if worker.handle.is_alive():
            self._state.note_inconclusive(f"process {worker.name} was killed and is still there")
        end_all(self._state, worker)


class _Control:
    """Means of a process fault against one lane; see `harness.scenario.faults.ProcessControl`.

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


def _next_act(lane: Lane, path: str) -> str:
    """Say what a lane was about to do."""
    if lane.status is not Status.FILE:
        return "it thinks" if lane.status is Status.THINK else "it goes on"
    return f"{lane.pending.call.name} {path}".rstrip(" ")


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
