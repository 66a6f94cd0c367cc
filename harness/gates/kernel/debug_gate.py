"""The kernel gate for a user who debugs: no time-outs, stops in the debugger of Python, waits before a step.

The worker stops by itself where the debugger is to begin (`harness.lanes.debugger`). Before the step of
`DebugSpec.pause` the supervisor waits for the user, so that a debugger can be attached to a process.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import struct
from collections.abc import Callable, Iterator
from fcntl import ioctl

from harness.gates.kernel.interference import NO_LIMIT_S, dies
from harness.gates.kernel.lane import Worker
from harness.gates.kernel.linux_abi import NOTIF_ID_VALID, RESPONSE_CONTINUE
from harness.gates.kernel.notifications import receive
from harness.gates.kernel.observed_gate import ObservedGate
from harness.gates.kernel.process import PendingSyscall, respond
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.model.debug_spec import DebugSpec
from harness.model.gate import RUN, Candidate, Layout, Verdict
from harness.system.private_directories import PrivateDirectories

__all__ = ["DebugGate"]

_ID = struct.Struct("=Q")


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
        while os.read(self._spec.reads, 1) not in (b"\n", b""):
            pass
        for worker in self._processes.workers.values():
            _renew(self._state, worker)

    def _say(self, text: str) -> None:
        data = f"{text}\n".encode(errors="backslashreplace")
        while data:
            data = data[os.write(self._spec.writes, data) :]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    return "gone"


def _stops(worker: Worker) -> Iterator[PendingSyscall]:
    """Yield the calls before which tasks of a worker, and of what it started, stand."""
    for lane in worker.lanes:
        yield from lane.stops()
    for tracee in worker.tracees.values():
        for thread in tracee.tasks.values():
            yield thread.pending


def _renew(state: SupervisorState, worker: Worker) -> None:
    """Take the notifications of calls anew that a debugger has interrupted: they are made again."""
    while stale := {one.tid: one for one in _stops(worker) if one.tid and _is_interrupted(worker, one)}:
        with contextlib.suppress(InterruptedError, FileNotFoundError):
            _take(worker, stale, receive(state, worker))


def _take(worker: Worker, stale: dict[int, PendingSyscall], pending: PendingSyscall) -> None:
    known = stale.get(pending.tid)
    if known is not None and known.call is pending.call:
        known.is_made_again(pending.trap_id)
    else:
        respond(worker, pending.trap_id, flags=RESPONSE_CONTINUE)


def _is_interrupted(worker: Worker, pending: PendingSyscall) -> bool:
    """Return whether a task no longer stands before a call, but will make it again: it was not killed."""
    try:
        ioctl(worker.listener, NOTIF_ID_VALID, _ID.pack(pending.trap_id))
    except FileNotFoundError:
        return not dies(pending.process.pid, [pending.tid])
    return False
