"""What the kernel gate knows of one lane and of the process it lives in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fcntl import ioctl
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from harness.gates.kernel.linux_abi import NOTIF_SEND, PARK, RESPONSE
from harness.gates.kernel.quiescence import QuiescenceWatch
from harness.gates.kernel.syscall_table import CALLS, Call
from harness.gates.kernel.tracee_memory import TraceeMemory
from harness.model.gate import Candidate
from harness.model.shared_memory import SharedMemory, cell_of

if TYPE_CHECKING:
    from harness.gates.kernel.tracee import SharedService, TraceeProcess, TraceeThread
    from harness.gates.kernel.virtual_files import Node

__all__ = ["Lane", "PendingSyscall", "Process", "Reader", "Status", "Worker", "answer"]

_pack = RESPONSE.pack


class Status:
    """Where a lane is. Plain strings: members of an Enum cost a look-up each time before Python 3.12."""

    MOVING: Final = "was let go and has not stopped yet"
    FILE: Final = "stands before a file call"
    THINK: Final = "waits for its model"
    SLEEP: Final = "sleeps in virtual time"
    FLOCK: Final = "waits for an flock"
    ASLEEP: Final = "sleeps in the kernel"
    TURN: Final = "waits for its turn at an adapter"
    DONE: Final = "has no more operations"
    DEAD: Final = "its process is gone"


class Reader(NamedTuple):
    """Where a thread reads from an empty pipe, and how often it had run when it was let do so."""

    fd: int
    pipe: int
    runs: bytes


class Process:
    """One process as its calls have to be read: memory, descriptors, paths.

    Args:
        name: the scenario's name of the process, or that of the worker that started it.
        pid: process id.
        listener: the seccomp listener that its calls come by.

    Attributes:
        fds: files of the session by descriptor, as far as they were looked up.
        by_tid: who acts, by thread id.
        watch: looks at its threads.
    """

    def __init__(self, name: str, pid: int, listener: int) -> None:
        self.name = name
        self.pid = pid
        self.listener = listener
        self.pidfd = os.pidfd_open(pid)
        try:
            self.memory = TraceeMemory(pid)
        except OSError:
            os.close(self.pidfd)
            raise
        self.fds: dict[int, Node | None] = {}
        self.by_tid: dict[int, Any] = {}
        self.watch = QuiescenceWatch(pid)
        #: Notices that wait until it is this process's turn, by thread id.
        self.held: dict[int, PendingSyscall] = {}
        #: Every thread of it is known to stand, to be held or to sleep.
        self.quiet = False
        #: Some of them sleep: somebody else may wake them.
        self.sleeps = False
        #: Threads that read from an empty pipe.
        self.blocked: dict[int, Reader] = {}
        #: What it was last let do may still be waking somebody.
        self.waking = False
        #: Threads that wait until their child has another program or is gone.
        self.vforking: set[int] = set()
        #: Has started a process since its children were last listed.
        self.cloned = False

    def close(self) -> None:
        """Let descriptors go; the process itself is stopped by the gate."""
        os.close(self.pidfd)
        self.memory.close()
        self.watch.close()


class Worker(Process):
    """One worker process and its lanes.

    Args:
        name: the scenario's name of the process.
        process: handle of the running process (`multiprocess.Process`).
        listener: the seccomp listener of the process.
        board: shared memory with it.
    """

    def __init__(self, name: str, process: Any, listener: int, board: SharedMemory) -> None:
        assert process.pid is not None
        super().__init__(name, process.pid, listener)
        self.process = process
        self.board = board
        self.words = board.words
        self.lanes: list[Lane] = []
        self.by_tid: dict[int, Lane] = {}
        self.sleepers = 0
        #: Has a file of the session mapped for sharing: stores are no calls.
        self.mapped = False
        #: To be replaced before the next schedule.
        self.dirty = False
        #: Has started a process of its own in this schedule.
        self.forked = False
        #: WorkerProcesses that it started, and theirs, by process id; in order of their birth.
        self.units: dict[int, TraceeProcess] = {}
        self.births = 0
        #: Which lane was the last to start a process; None for a thread that is no lane.
        self.cloner: Lane | None = None
        #: Children that serve several lanes, by process id.
        self.served: dict[int, SharedService] = {}
        #: Threads of services that flow, as far as they were met.
        self.flow: dict[int, TraceeProcess] = {}
        #: Some of them may be alive, known or not: see `harness.gates.kernel.process_scheduler`.
        self.crowded = False

    def close(self) -> None:
        """Let descriptors go; the process itself is stopped by the gate."""
        for unit in self.units.values():
            unit.close()
        self.units.clear()
        os.close(self.listener)
        super().close()


def answer(worker: Process, trap_id: int, value: int = 0, error: int = 0, flags: int = 0) -> None:
    """Answer a notice; silent when the task was killed in the meantime."""
    try:
        ioctl(worker.listener, NOTIF_SEND, _pack(trap_id, value, error, flags))
    except FileNotFoundError:
        return


class PendingSyscall(msgspec.Struct, eq=False, gc=False):
    """A call before which a task was stopped.

    Args:
        trap_id: the kernel's number of the notice.
        call: what it is.
        args: its six arguments.
        space: the process that makes it.
        tid: the thread.
        node: the file behind its descriptor, if the session has it.
        name: first path as a name in the session directory; None when it has none.
        name2: second path likewise.
        flags: of an open; 0 for any other call.
        waited: whether it is an flock that had to wait.
    """

    trap_id: int
    call: Call
    args: Sequence[int]
    space: Any = None
    tid: int = 0
    node: Node | None = None
    name: str | None = None
    name2: str | None = None
    flags: int = 0
    waited: bool = False


class Lane:
    """One lane: where it stands and what it waits for."""

    __slots__ = (
        "actor",
        "asked",
        "candidate",
        "cell",
        "finished",
        "held_ns",
        "index",
        "op",
        "ordinal",
        "own",
        "poll_count",
        "poll_name",
        "stand",
        "started",
        "status",
        "think_left",
        "wake_ns",
        "worker",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        #: Where the board counts its operations.
        self.cell = cell_of(index)
        self.worker: Worker | None = None
        self.status: str = Status.MOVING
        self.stand = PendingSyscall(0, CALLS[PARK], ())
        #: What the strategy is shown; made when the lane has come to rest.
        self.candidate: Candidate | None = None
        #: Whose call it stands before, where that is not its own: see `process_scheduler`.
        self.actor: TraceeThread | None = None
        #: Where it stands itself, while it has an actor.
        self.own: tuple[PendingSyscall, str, int, bool] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the last schedule; where the lane stands remains."""
        self.started = self.finished = 0
        self.op = -1
        self.ordinal = 0
        self.think_left = 0
        self.wake_ns = 0
        #: Stopped, or in a slow call, until then.
        self.held_ns = 0
        self.poll_name: str | None = None
        self.poll_count = 0
        #: Whether a waiting flock was tried against the kernel already.
        self.asked = False
