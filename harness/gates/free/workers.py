"""Worker processes of the free gate: started, let go together, waited for, stopped.

A socket leads to each lane. In goes the time to start at; out comes the number of the program when the
lane is idle, or a word when its loop broke, with a traceback in shared memory. A lane that does neither has
lost its process, or is still at work. Anything else was written by the code under test, which has these
sockets among its descriptors: then nothing is known of the lane, and its process is replaced.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

from fence.external.time_limit import TimeLimit, with_descendants
from harness.gates.free.snapshots import Log, Snapshot, look
from harness.model.errors import WorkerDied
from harness.model.gate import Layout
from harness.model.shared_memory import SharedMemory
from harness.system.confined_starter import ConfinedStarter
from harness.system.forking import get_context, wait
from harness.system.reap import ended, kill_tree

__all__ = ["BROKEN", "IDLE", "START", "Member", "Workers"]

#: Sent to a lane: monotonic nanoseconds at which it starts.
START = struct.Struct("=Q")

#: Sent by a lane that is idle: the number of the program that it has run.
IDLE = struct.Struct("=Q")
#: Sent by a lane whose loop broke.
BROKEN = b"broken"
_WORD_BYTES = 1 << 16
#: Limits of a worker's start, with the adapter of an external fence: doing nothing, and computing.
_START_S, _START_COMPUTING_S = 20.0, 60.0
_STARTS_MAX = 3
_ALIVE_EVERY_S = 0.2
_HEAD_START_NS = 300_000


class Member:
    """One worker process.

    Attributes:
        board, log: memory shared with it.
        sockets: by index of lane; a lane's place among them is its place in the log.
        busy: lanes that are still at work.
        garbled: something was written to a lane's socket that neither it nor the gate wrote.
        died_ns: when it was found to be gone; 0 as long as it is not.
        last_look: at the transcript, just before that.
    """

    def __init__(
        self, name: str, process: Any, board: SharedMemory, log: Log, sockets: dict[int, socket.socket]
    ) -> None:
        self.name = name
        self.process = process
        self.board = board
        self.log = log
        self.sockets = sockets
        self.busy = set(sockets)
        self.garbled = False
        self.died_ns = 0
        self.last_look = Snapshot(None)

    @property
    def pid(self) -> int:
        """Process id."""
        pid: int = self.process.pid
        return pid

    @property
    def unfit(self) -> bool:
        """Return whether it did not come to its end, or is gone."""
        return bool(self.busy) or self.garbled or self.died_ns > 0 or not self.process.is_alive()


class Workers:
    """The worker processes of one gate.

    Args:
        main: what a worker runs (`harness.lanes.worker.main_free`).
        layout: lanes and fence.
        directory: the session directory.
        transcript: its path.
    """

    def __init__(self, main: Callable[..., None], layout: Layout, directory: str, transcript: str) -> None:
        self._main = main
        self._layout = layout
        self._directory = directory
        self._transcript = transcript
        self._context = get_context("fork")
        self._starter = ConfinedStarter(directory, own_pids=True)
        self.members: dict[str, Member] = {}

    def spawn(self, name: str) -> None:
        """Fork one worker and wait until all its lanes are idle; anew if another program kills it meanwhile.

        Raises:
            WorkerDied: it ended before, or took too long.
        """
        for _ in range(_STARTS_MAX):
            why = self._spawned(name)
            if not why:
                return
            member = self.members[name]
            killed = bool(member.died_ns) and member.process.exitcode < 0 and not member.board.has_error
            self.stop(member)
            if not killed:
                break
        raise WorkerDied(f"worker {name}: {why}")

    def _spawned(self, name: str) -> str:
        """Fork one worker and wait until all its lanes are idle; return why they are not."""
        lanes = [index for index, info in enumerate(self._layout.lanes) if info.process == name]
        board, log = SharedMemory(), Log(len(lanes))
        pairs = {lane: socket.socketpair() for lane in lanes}
        ours = {lane: pair[0] for lane, pair in pairs.items()}
        theirs = {lane: pair[1] for lane, pair in pairs.items()}
        shared = (board, log, theirs, _cores(), os.getpid())
        process = self._context.Process(
            target=self._main, args=(self._layout, name, self._directory, *shared), name=f"worker-{name}"
        )
        self._starter.start(process)
        for one in theirs.values():
            one.close()
        member = self.members[name] = Member(name, process, board, log, ours)
        self.wait([member], _START_S, _START_COMPUTING_S)
        if member.busy or member.died_ns or member.garbled:
            return board.diagnostics() or f"ended with status {process.exitcode} before it was ready"
        return ""

    def let_go(self, program: bytes) -> None:
        """Hand a program to all workers and start all their lanes at one time."""
        for member in self.members.values():
            member.board.publish(program)
            member.log.clear()
        start = START.pack(time.monotonic_ns() + _HEAD_START_NS)
        for member in self.members.values():
            member.busy = set(member.sockets)
            for one in member.sockets.values():
                # A process that is gone shows when it is waited for.
                with contextlib.suppress(OSError):
                    one.send(start)

    def wait(self, members: Iterable[Member], idle_s: float, computing_s: float | None = None) -> TimeLimit:
        """Wait until every lane is idle or has lost its process, or until a limit is passed.

        Args:
            members: whose lanes.
            idle_s: limit of the time in which none of them does anything, see `TimeLimit`.
            computing_s: limit of their processor time; None for as much for each of them.

        Returns:
            The limit.

        Raises:
            RuntimeError: a lane's loop broke, which is our own fault.
        """
        members = list(members)
        limit = TimeLimit(
            idle_s,
            lambda: [pid for member in members for pid in with_descendants(member.pid)],
            idle_s * len(members) if computing_s is None else computing_s,
        )
        while waiting := {member.sockets[lane]: (member, lane) for member in members for lane in member.busy}:
            if limit.over():
                return limit
            for one in wait(list(waiting), _ALIVE_EVERY_S):
                member, lane = waiting[one]
                word = _receive(one)
                if word == IDLE.pack(member.board.generation):
                    member.busy.discard(lane)
                elif word == BROKEN and member.board.has_error:
                    raise RuntimeError(f"worker {member.name}: {member.board.diagnostics()}")
                elif word:
                    member.garbled = True
                    member.busy.discard(lane)
                else:
                    ended(member.process)
            for member in members:
                if member.busy and not member.process.is_alive():
                    member.last_look = look(self._transcript)
                    member.died_ns = time.monotonic_ns()
                    member.busy.clear()
        return limit

    def stop(self, member: Member) -> None:
        """Kill one worker with all that it started, and reap it."""
        kill_tree(member.pid)
        ended(member.process)
        for one in member.sockets.values():
            one.close()
        self.members.pop(member.name, None)

    def stop_all(self) -> None:
        """Kill every worker."""
        for member in list(self.members.values()):
            self.stop(member)
        self._starter.close()


def _receive(one: socket.socket) -> bytes:
    try:
        return one.recv(_WORD_BYTES)
    except ConnectionError:
        return b""


def _cores() -> set[int]:
    """Return the cores of the explorer's parent: the explorer itself is pinned to one."""
    if not hasattr(os, "sched_getaffinity"):
        return set()
    try:
        return os.sched_getaffinity(os.getppid())
    except OSError:
        return set()
