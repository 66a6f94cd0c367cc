"""Timers of fences and adapters, which count real time while their sleeps take virtual time.

A timer that is due in virtual time, and has not been cleared by then, would have interrupted the process on a
real machine. Nothing that it did since can be held against it.
"""

from __future__ import annotations

import struct

from harness.gates.kernel.lane import TraceeProcess, Worker
from harness.gates.kernel.process import PendingSyscall, Process

__all__ = ["RealTimers"]

_SECOND, _MICROSECOND = 1_000_000_000, 1000
#: Seconds and microseconds between two ends, then those until the first one.
_SPEC = struct.Struct("=4q")


class RealTimers:
    """Timers of `alarm` and `setitimer` that processes without virtual time have set in a schedule."""

    def __init__(self) -> None:
        self._set: dict[int, tuple[Worker, int]] = {}
        self._doubt = ""

    def begin(self) -> None:
        """Start a schedule."""
        self._set.clear()
        self._doubt = ""

    def take(self, pending: PendingSyscall, now_ns: int) -> None:
        """Take in a call that sets a timer, or clears it.

        Args:
            pending: an `alarm` or a `setitimer`.
            now_ns: virtual time.

        Raises:
            OSError: its arguments cannot be read.
        """
        process = pending.process
        worker = _owner(process)
        if worker is None:
            return
        self._doubt = self.doubt(now_ns)
        wait_ns = _wait_ns(pending)
        if wait_ns:
            self._set[process.pid] = worker, now_ns + wait_ns
        else:
            self._set.pop(process.pid, None)

    def ended(self, pid: int, now_ns: int) -> None:
        """Take in that a process has ended: its timer can no longer become overdue.

        Args:
            pid: of the process.
            now_ns: virtual time.
        """
        self._doubt = self.doubt(now_ns)
        self._set.pop(pid, None)

    def doubt(self, now_ns: int) -> str:
        """Return why a schedule is inconclusive; empty where no timer is overdue.

        Args:
            now_ns: virtual time.
        """
        for worker, due_ns in self._set.values():
            if due_ns <= now_ns and not self._doubt:
                return (
                    f"process {worker.name}: a timer (alarm, setitimer) is overdue: those of a fence and of "
                    "its adapter count real time, while their sleeps take virtual time; give up by the time "
                    "that has passed instead"
                )
        return self._doubt


def _owner(process: Process) -> Worker | None:
    """Return the worker of a fence's process or of an adapter; None for what these have started."""
    if isinstance(process, TraceeProcess):
        owner = process.worker if process.service is not None else None
        return owner if isinstance(owner, Worker) and process.pid in owner.services else None
    return process if isinstance(process, Worker) else None


def _wait_ns(pending: PendingSyscall) -> int:
    """Return how long a timer is to wait; 0 for one that is cleared."""
    args = pending.args
    if pending.call.name == "alarm":
        return (args[0] & 0xFFFFFFFF) * _SECOND
    if not args[1]:
        return 0
    seconds, rest = _SPEC.unpack(pending.process.memory.read(args[1], _SPEC.size))[2:]
    return int(seconds) * _SECOND + int(rest) * _MICROSECOND
