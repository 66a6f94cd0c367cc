"""A supervisor's state over a directory, and pending calls of a worker, without a tracee.

The worker is this very process: its memory can be read like a tracee's, and it is stopped at nothing.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace

from fence.locks import LockFile
from harness.gates.kernel import linux_abi
from harness.gates.kernel.lane import Lane, TraceeProcess, Worker
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.reactions import Reaction
from harness.gates.kernel.supervisor_state import SupervisorState
from harness.gates.kernel.syscall_handlers import HANDLERS
from harness.gates.kernel.syscall_table import CALLS
from harness.gates.kernel.virtual_files import VirtualFiles
from harness.model.program import Entry, Filesystem, LaneProgram, Program
from harness.model.shared_memory import Clock, SharedMemory

__all__ = ["START_NS", "Supervised"]

START_NS = 1_000_000_000_000_000_000
_BY_NAME = {call.name: call for call in CALLS.values()}


class Supervised:
    """A state in the middle of a schedule.

    Attributes:
        state: of the supervisor; lane 0 and 1 live in the worker, lane 0 in the thread of this test.
        worker: a worker whose process is this one.
    """

    def __init__(
        self, directory: Path, namespaces: tuple[str, str] = ("", ""), lock: str = "sidecar"
    ) -> None:
        self.directory = directory
        clock = Clock()
        files = VirtualFiles(str(directory), (LockFile(lock),), lambda: clock.now_ns, lambda inode: False)
        lanes = [Lane(0), Lane(1)]
        # Closed with the worker, in place of a listener.
        listener = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self.worker = Worker("p", SimpleNamespace(pid=os.getpid()), listener, SharedMemory())
        self.worker.take_lanes(lanes)
        self.worker.lane_runs_in(os.getpid(), lanes[0])
        self.state = SupervisorState(files, clock, lanes, {"p": self.worker}, 1.0)
        programs = (
            LaneProgram("a", "runner", "p", True, (), pid_namespace=namespaces[0]),
            LaneProgram("b", "runner", "q", True, (), pid_namespace=namespaces[1]),
        )
        program = Program(programs, (Entry("i0", "user", "aaaa"),), Filesystem(), START_NS)
        self.program = program
        self.state.begin(program)
        files.begin(program)
        self.state.guard(True)
        self._buffers: list[object] = []

    @property
    def lane(self) -> Lane:
        """The lane that makes the calls."""
        return self.state.lanes[0]

    def pending(
        self, name: str, *args: int | bytes, process: Process | None = None, tid: int = 0
    ) -> PendingSyscall:
        """A pending call; bytes are put into memory, and their address is the argument."""
        words = [self.address(arg) if isinstance(arg, bytes) else arg & 0xFFFFFFFFFFFFFFFF for arg in args]
        words += [0] * (6 - len(words))
        return PendingSyscall(1, _BY_NAME[name], words, process or self.worker, tid or os.getpid())

    def reaction(
        self, name: str, *args: int | bytes, process: Process | None = None, tid: int = 0
    ) -> Reaction:
        """Return the answer of a call's handler."""
        pending = self.pending(name, *args, process=process, tid=tid)
        return HANDLERS[name](self.state, pending)

    def openat(self, path: bytes, flags: int = os.O_RDONLY, tid: int = 0) -> Reaction:
        """Return the answer of openat's handler to a path."""
        return self.reaction("openat", linux_abi.AT_FDCWD, path, flags, tid=tid)

    def inside(self, name: str) -> bytes:
        """A path in the session directory."""
        return os.fsencode(self.directory / name)

    def address(self, data: bytes) -> int:
        """Where a copy of some bytes is in memory."""
        buffer = ctypes.create_string_buffer(data, len(data) + 1)
        self._buffers.append(buffer)
        return ctypes.addressof(buffer)

    def child(self) -> TraceeProcess:
        """A process of the worker's, which again is this one."""
        tracee = TraceeProcess(self.worker, os.getpid(), self.worker.births, self.lane, None)
        tracee.thread(os.getpid())
        self.worker.adopt(tracee)
        return tracee

    def close(self) -> None:
        """Close all descriptors."""
        self.worker.close()
