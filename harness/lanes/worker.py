"""A worker process: one process of the scenario with its lanes as threads.

It lives over many schedules. For each one it takes the program from the board,
makes fresh handles and an empty process-scoped state, and runs its lanes; in
between it waits at its gate. Its clock, its sleep and its randomness belong to
the harness.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

import msgspec

from fence.protocol import Fence
from harness.gates.free.jitter import Jitter
from harness.gates.free.snapshots import Log
from harness.gates.free.workers import START
from harness.gates.kernel import linux_abi
from harness.gates.kernel import seccomp_filter as seccomp
from harness.lanes.adapter_host import AdapterHost, GatedAdapterHost, host
from harness.lanes.clock_patches import bend, look_up, really_sleep
from harness.lanes.op_executor import OpExecutor, Waits
from harness.model.errors import HarnessError
from harness.model.gate import Layout
from harness.model.program import Program
from harness.model.shared_memory import Clock, SharedMemory
from harness.model.stop_reasons import IDLE, PAUSE, SLEEP, THINK
from harness.scenario.fence_reference import resolve

__all__ = ["main", "main_free", "prepare"]

_COLLECT_EVERY = 256
_decode = msgspec.msgpack.Decoder(Program).decode
_libc = ctypes.CDLL(None)
_syscall = ctypes.CDLL(None).syscall
_syscall.argtypes = [ctypes.c_long] * 4
_syscall.restype = ctypes.c_long

#: Under the free gate: how long a lane may keep its neighbours in the process from running.
_SWITCH_S = 0.0001


class _KernelWaits:
    """Waiting at the kernel gate: a call that does not exist, which only the supervisor answers."""

    def __init__(self) -> None:
        self._own = threading.local()

    def stop(self, why: int, lane: int, value: int) -> None:
        self._own.lane = lane
        _syscall(linux_abi.PARK, why, lane, value)

    def lane(self) -> int:
        """Index of the calling lane; -1 for a thread that is none."""
        found: int = getattr(self._own, "lane", -1)
        return found

    def think(self, lane: int, steps: int) -> None:
        if steps > 0:
            self.stop(THINK, lane, steps)

    def pause(self, lane: int, duration_ms: int) -> None:
        self.stop(PAUSE, lane, duration_ms * 1_000_000)

    def sleep(self, seconds: float) -> None:
        lane = getattr(self._own, "lane", None)
        if lane is None:
            # A thread of the fence's own; it is no lane and lives in real time.
            really_sleep(seconds)
        else:
            _syscall(linux_abi.PARK, SLEEP, lane, round(max(0.0, seconds) * 1e9))

    def begin(self, lane: int, op: int) -> None:
        pass

    def end(self, lane: int, op: int) -> None:
        pass


class _Process:
    """What the lanes of one process share."""

    def __init__(
        self, layout: Layout, name: str, directory: str, board: SharedMemory, make_fence: Callable[..., Fence]
    ) -> None:
        self.layout = layout
        self.transcript = os.path.join(directory, "transcript.jsonl")
        self.board = board
        self.make_fence = make_fence
        self.lanes = [index for index, lane in enumerate(layout.lanes) if lane.process == name]
        self.lane_names = tuple(layout.lanes[index].name for index in self.lanes)
        self.generation = board.generation
        self.program: Program | None = None
        self.state: dict[str, Any] = {}

    def refresh(self) -> Program:
        """The current program; the first lane to ask resets what belongs to the process."""
        if self.program is None or self.generation != self.board.generation:
            self.generation = self.board.generation
            self.program = _decode(self.board.program())
            self.state = {}
            random.seed(self.program.clock_start_ns)
            if self.generation % _COLLECT_EVERY == 0:
                gc.collect()
        return self.program

    def client(self, lane: int, waits: Waits) -> OpExecutor:
        """The hands of one lane for the current program."""
        program = self.refresh()
        return OpExecutor(
            lane,
            program.lanes[lane],
            self.transcript,
            self.make_fence,
            self.state,
            self.layout.options,
            self.board,
            waits,
        )

    def start_service(self) -> None:
        """Let a fence start what serves all lanes of the process, before the first schedule."""
        start = getattr(self.make_fence, "start_service", None)
        if start is not None:
            start(self.transcript)

    def serve(self, lane: int, waits: _KernelWaits) -> None:
        """One lane, schedule after schedule, until the process is killed."""
        while True:
            waits.stop(IDLE, lane, 0)
            self.client(lane, waits).run()


def _settle_in(directory: str, parent: int) -> None:
    """Die with the parent, ignore the terminal, and stay inside the session directory."""
    if sys.platform == "linux":
        _libc.prctl(linux_abi.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.chdir(directory)
    os.environ["TMPDIR"] = directory
    sys.dont_write_bytecode = True
    null = os.open(os.devnull, os.O_RDWR)
    standard = (0, 1, 2)
    for fd in standard:
        os.dup2(null, fd)
    if null not in standard:
        os.close(null)


def prepare() -> None:
    """Do once, in a process that will fork workers, what else each of them would do at its start.

    Most of it looks at every object there is; in a child that copies the pages they stand on.
    """
    _warm_up()
    seccomp.build()
    look_up()
    gc.collect()
    gc.freeze()


def _freeze() -> None:
    """Leave nothing for the collector to look at, and have it come when a schedule is over."""
    _warm_up()
    gc.freeze()
    gc.disable()


def _warm_up() -> None:
    """Import what a fork or an operation would import, before file calls are trapped."""
    import multiprocess.popen_fork  # noqa: F401  # for its side effect of being there

    import harness.scenario.actions
    import harness.scenario.exec_program
    import harness.scenario.roles.compactor  # noqa: F401  # for its side effect of being there


def main_free(
    layout: Layout,
    name: str,
    directory: str,
    board: SharedMemory,
    log: Log,
    sockets: dict[int, socket.socket],
    foreign: list[socket.socket],
    cores: set[int],
    parent: int,
) -> None:
    """Body of a worker process under the free gate; does not return.

    Args:
        layout: lanes and fence.
        name: which process of the scenario this is.
        directory: the session directory.
        board, log: memory shared with the gate.
        sockets: one a lane; in comes the time to start at, out goes a dot when it is idle.
        foreign: the gate's and the neighbours' ends, which must not stay open here.
        cores: where to run; the gate itself may be pinned to one. Empty: wherever it runs.
        parent: process id of the gate.
    """
    for one in foreign:
        one.close()
    make_fence = resolve(layout.fence)
    _settle_in(directory, parent)
    if cores:
        os.sched_setaffinity(0, cores)
    sys.setswitchinterval(_SWITCH_S)
    process = _Process(layout, name, directory, board, make_fence)
    host(make_fence, lambda: AdapterHost(process.lane_names, board))
    waits = Jitter(process.transcript, process.lanes, board, log)
    first = threading.Lock()
    process.start_service()
    _freeze()

    def serve(lane: int) -> None:
        try:
            sockets[lane].send(b".")
            while start := sockets[lane].recv(START.size):
                with first:
                    client = process.client(lane, waits)
                    waits.ready(lane, process.refresh())
                time.sleep(max(0, START.unpack(start)[0] - time.monotonic_ns()) / 1e9)
                client.run()
                sockets[lane].send(b".")
        except BaseException:  # ours, whatever it is: the gate says so, and nobody is accused
            with contextlib.suppress(OSError):
                sockets[lane].send(traceback.format_exc().encode()[-8000:])
        # The gate is gone; a signal, so that nobody takes it for the fence's doing.
        os.kill(os.getpid(), signal.SIGKILL)

    for lane in process.lanes[1:]:
        threading.Thread(target=serve, args=(lane,), daemon=True).start()
    serve(process.lanes[0])


def main(
    layout: Layout,
    name: str,
    directory: str,
    board: SharedMemory,
    clock: Clock,
    channel: socket.socket,
    parent: int,
) -> None:
    """Body of a worker process under the kernel gate; does not return.

    Args:
        layout: lanes and fence.
        name: which process of the scenario this is.
        directory: the session directory.
        board: memory shared with the gate.
        clock: virtual time.
        channel: the listener's descriptor, or a message of what went wrong, goes out here.
        parent: process id of the supervisor.
    """
    try:
        # Before the working directory changes: the reference may be a relative path.
        make_fence = resolve(layout.fence)
        _settle_in(directory, parent)
        process = _Process(layout, name, directory, board, make_fence)
        waits = _KernelWaits()
        host(make_fence, lambda: GatedAdapterHost(process.lane_names, board, waits))
        _freeze()
        listener = seccomp.install()
    except HarnessError as error:
        channel.send(str(error).encode()[:4000])
        os._exit(1)
    socket.send_fds(channel, [b"ready"], [listener])
    process.start_service()
    bend(lambda: clock.now_ns, waits.sleep)
    for lane in process.lanes[1:]:
        threading.Thread(target=process.serve, args=(lane, waits), daemon=True).start()
    process.serve(process.lanes[0], waits)
