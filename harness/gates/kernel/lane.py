"""What the kernel gate knows of one lane and of the process it lives in."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from fcntl import ioctl
from typing import TYPE_CHECKING, Any, Final

import msgspec

from harness.board import Board, cell_of
from harness.gates.kernel.abi import NOTIF_SEND, PARK, RESPONSE
from harness.gates.kernel.calls import CALLS, Call
from harness.gates.kernel.memory import Memory
from harness.gates.protocol import Candidate

if TYPE_CHECKING:
    from harness.gates.kernel.world import Node

__all__ = ["Lane", "Stand", "Status", "Worker", "answer"]

_pack = RESPONSE.pack


class Status:
    """Where a lane is. Plain strings: members of an Enum cost a look-up each time before Python 3.12."""

    MOVING: Final = "was let go and has not stopped yet"
    FILE: Final = "stands before a file call"
    THINK: Final = "waits for its model"
    SLEEP: Final = "sleeps in virtual time"
    FLOCK: Final = "waits for an flock"
    ASLEEP: Final = "sleeps in the kernel"
    DONE: Final = "has no more operations"
    DEAD: Final = "its process is gone"


class Worker:
    """One worker process: descriptors, memory, and its lanes.

    Args:
        name: the scenario's name of the process.
        process: handle of the running process (`multiprocess.Process`).
        listener: the seccomp listener of the process.
        board: shared memory with it.
    """

    def __init__(self, name: str, process: Any, listener: int, board: Board) -> None:
        assert process.pid is not None
        self.name = name
        self.process = process
        self.pid: int = process.pid
        self.pidfd = os.pidfd_open(self.pid)
        self.listener = listener
        self.board = board
        self.words = board.words
        self.memory = Memory(self.pid)
        self.fds: dict[int, Node | None] = {}
        self.lanes: list[Lane] = []
        self.by_tid: dict[int, Lane] = {}
        self.sleepers = 0
        #: Has a file of the session mapped for sharing: stores are no calls.
        self.mapped = False
        #: To be replaced before the next schedule.
        self.dirty = False
        #: Has started a process of its own.
        self.forked = False

    def seen_from(self, pid: int, memory: Memory) -> Worker:
        """This worker as the calls of a child process have to be read: its paths, descriptors and memory."""
        child = copy.copy(self)
        child.pid = pid
        child.memory = memory
        child.fds = {}
        return child

    def close(self) -> None:
        """Let descriptors go; the process itself is stopped by the gate."""
        for fd in (self.listener, self.pidfd):
            os.close(fd)
        self.memory.close()


def answer(worker: Worker, trap_id: int, value: int = 0, error: int = 0, flags: int = 0) -> None:
    """Answer a notice; silent when the task was killed in the meantime."""
    try:
        ioctl(worker.listener, NOTIF_SEND, _pack(trap_id, value, error, flags))
    except FileNotFoundError:
        return


class Stand(msgspec.Struct, eq=False, gc=False):
    """A call before which a task was stopped.

    Args:
        trap_id: the kernel's number of the notice.
        call: what it is.
        args: its six arguments.
        node: the file behind its descriptor, if the session has it.
        name: first path as a name in the session directory; None when it has none.
        name2: second path likewise.
        flags: of an open; 0 for any other call.
    """

    trap_id: int
    call: Call
    args: Sequence[int]
    node: Node | None = None
    name: str | None = None
    name2: str | None = None
    flags: int = 0


class Lane:
    """One lane: where it stands and what it waits for."""

    __slots__ = (
        "asked",
        "candidate",
        "cell",
        "finished",
        "index",
        "op",
        "ordinal",
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
        self.stand = Stand(0, CALLS[PARK], ())
        #: What the strategy is shown; made when the lane has come to rest.
        self.candidate: Candidate | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the last schedule; where the lane stands remains."""
        self.started = self.finished = 0
        self.op = -1
        self.ordinal = 0
        self.think_left = 0
        self.wake_ns = 0
        self.poll_name: str | None = None
        self.poll_count = 0
        #: Whether a waiting flock was tried against the kernel already.
        self.asked = False
