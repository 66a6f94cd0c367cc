"""The kernel gate for a user who debugs: no time-outs, stops in the debugger of Python, waits before a step.

The worker stops by itself where the debugger is to begin (`harness.lanes.debugger`). Before the step of
`DebugSpec.pause` the supervisor waits for the user, so that a debugger can be attached to a process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import struct
from collections.abc import Callable
from fcntl import ioctl

from harness.gates.kernel.interference import NO_LIMIT_S
from harness.gates.kernel.lane import Worker
from harness.gates.kernel.linux_abi import NOTIF_ID_VALID, RESPONSE_CONTINUE
from harness.gates.kernel.notifications import receive
from harness.gates.kernel.observed_gate import ObservedGate
from harness.gates.kernel.process import PendingSyscall, Status, respond
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.model.debug_spec import DebugSpec
from harness.model.gate import RUN, Candidate, Layout, Verdict
from harness.system.private_directories import PrivateDirectories

__all__ = ["DebugGate"]

_ID = struct.Struct("=Q")
_LOOK_S = 0.05
#: Of tasks that stand before no call.
_NOWHERE = frozenset({Status.MOVING, Status.ASLEEP, Status.DEAD})


class DebugGate(ObservedGate):
    """A kernel gate for debugging.

    Args:
        directory, main, private: as of `KernelGate`.
        spec: where lanes stop.
    """

    def __init__(
        self, directory: str, main: Callable[..., None], private: PrivateDirectories | None, spec: DebugSpec
    ) -> None:
        super().__init__(directory, main, NO_LIMIT_S, private)
        self._spec = spec

    def start(self, layout: Layout) -> None:
        """Start the worker processes."""
        super().start(dataclasses.replace(layout, debug=self._spec))

    def grant(self, candidate: Candidate, verdict: Verdict = RUN) -> None:
        """Let one lane take its step; before the step that the user named, wait for the user."""
        if self._observer.steps == self._spec.pause:
            self._pause(candidate)
        super().grant(candidate, verdict)

    def _pause(self, candidate: Candidate) -> None:
        lane = self._layout.lanes[candidate.lane]
        call = f"{candidate.call} {candidate.path}".rstrip(" ")
        self._say(f"paused before {lane.name}'s {call}; all lanes stand")
        for name, worker in self._processes.workers.items():
            lanes = [self._layout.lanes[one.index].name for one in worker.lanes]
            self._say(f"  process {name} (lanes {', '.join(lanes)}): pid {worker.pid}")
            for tid, one in worker.tasks.items():
                self._say(f"    lane {self._layout.lanes[one.index].name}: thread {tid}")
            for tracee in worker.tracees.values():
                self._say(f"    started by it: pid {tracee.pid} ({_command(tracee.pid)})")
        self._say("attach a debugger, let the process go on in it, then press Enter here")
        self._wait_for_enter()
        for worker in self._processes.workers.values():
            _renew(self._state, worker)

    def _wait_for_enter(self) -> None:
        """Wait for the user, and serve the thread that a debugger has in a process meanwhile, as in node."""
        workers = {worker.listener: worker for worker in self._processes.workers.values()}
        while True:
            ready = select.select([self._spec.reads, *workers], (), ())[0]
            for listener in workers.keys() & ready:
                _serve(self._state, workers[listener])
            if self._spec.reads in ready and os.read(self._spec.reads, 1) in (b"\n", b""):
                return

    def _say(self, text: str) -> None:
        data = f"{text}\n".encode(errors="backslashreplace")
        while data:
            data = data[os.write(self._spec.writes, data) :]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return "gone"


def _stops(worker: Worker) -> dict[int, PendingSyscall]:
    """Return by thread the calls before which tasks of a worker, and of what it started, stand."""
    lanes = [lane for lane in worker.lanes if lane.status not in _NOWHERE]
    found = [pending for lane in lanes for pending in lane.stops()]
    threads = (thread for tracee in worker.tracees.values() for thread in tracee.tasks.values())
    found += [thread.pending for thread in threads if thread.status not in _NOWHERE]
    return {pending.tid: pending for pending in found if pending.tid}


def _serve(state: SupervisorState, worker: Worker) -> None:
    """Receive a call: of a task that stood, and was interrupted, or of a thread that is no lane's."""
    with contextlib.suppress(InterruptedError, FileNotFoundError):
        pending = receive(state, worker)
        known = _stops(worker).get(pending.tid)
        if known is not None and known.call is pending.call:
            known.is_made_again(pending.trap_id)
        else:
            respond(worker, pending.trap_id, flags=RESPONSE_CONTINUE)


def _renew(state: SupervisorState, worker: Worker) -> None:
    """Take the notifications of calls anew that a debugger has interrupted: they are made again."""
    while worker.handle.is_alive() and any(not _stands(worker, one) for one in _stops(worker).values()):
        if select.select([worker.listener], (), (), _LOOK_S)[0]:
            _serve(state, worker)


def _stands(worker: Worker, pending: PendingSyscall) -> bool:
    """Return whether a task still stands before a call."""
    try:
        ioctl(worker.listener, NOTIF_ID_VALID, _ID.pack(pending.trap_id))
    except FileNotFoundError:
        return False
    return True
