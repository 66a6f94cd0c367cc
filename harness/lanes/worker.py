"""Run a worker process: one process of the scenario with its lanes as threads.

A worker lives over many schedules. For each schedule it reads the program from shared memory, makes
fresh handles and an empty process-scoped state, and runs its lanes; in between it waits at its gate.
Its clocks, its sleep and its random numbers are under the harness's control.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import faulthandler
import gc
import os
import random
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from fence.protocol import Fence
from harness.gates.kernel import linux_abi
from harness.gates.kernel import seccomp_filter as seccomp
from harness.lanes.adapter_host import AdapterHost, GatedAdapterHost, host
from harness.lanes.clock_patches import find_clocks, forget_last_ids, replace_clocks, sleep_in_real_time
from harness.lanes.op_executor import OpExecutor, Waits
from harness.model.errors import HarnessError, Shortage
from harness.model.gate import Layout
from harness.model.program import Program
from harness.model.shared_memory import Clock, SharedMemory
from harness.model.stop_reasons import IDLE, PAUSE, SLEEP, STACK_SIGNAL, STOP_CALL, THINK, stop_arguments
from harness.scenario.exec_program import live_in
from harness.scenario.fence_reference import resolve
from harness.system.descriptors import close_all_but
from harness.system.machine_limits import starting
from harness.system.parent_death import end_with_parent
from harness.system.private_directories import PrivateDirectories

if TYPE_CHECKING:
    from harness.gates.free.snapshots import Log

__all__ = ["main", "main_free", "prepare"]

_COLLECT_EVERY = 256
_CLOSED = "the code under test closed a descriptor of the harness; let it close only those that it has opened"
_STDERR = 2
#: The parent's id as a process sees it, if the parent is outside of its PID namespace.
_IN_ANOTHER_NAMESPACE = 0
_decode = msgspec.msgpack.Decoder(Program).decode
_libc = ctypes.CDLL(None)
_syscall = ctypes.CDLL(None).syscall
_syscall.argtypes = [ctypes.c_long] * 6
_syscall.restype = ctypes.c_long

#: Under the free gate: how long a lane may run before another lane of the process gets its turn.
_SWITCH_S = 0.0001


class _KernelWaits:
    """Waits at the kernel gate, by a system call that only the supervisor answers."""

    def __init__(self) -> None:
        self._own = threading.local()

    def stop(self, why: int, lane: int, value: int) -> None:
        self._own.lane = lane
        _syscall(STOP_CALL, *stop_arguments(why, lane, value))

    def lane(self) -> int:
        """Return the index of the calling lane; -1 for a thread that is no lane."""
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
            # A thread that the fence started is no lane and lives in real time.
            sleep_in_real_time(seconds)
        else:
            self.stop(SLEEP, lane, round(max(0.0, seconds) * 1e9))

    def begin(self, lane: int, op: int) -> None:
        pass

    def end(self, lane: int, op: int) -> None:
        pass


class _Process:
    """The state that the lanes of one process share."""

    def __init__(
        self,
        layout: Layout,
        name: str,
        directory: str,
        shared_memory: SharedMemory,
        make_fence: Callable[..., Fence],
    ) -> None:
        self.layout = layout
        self.transcript = os.path.join(directory, "transcript.jsonl")
        self.shared_memory = shared_memory
        self.make_fence = make_fence
        self.lanes = [index for index, lane in enumerate(layout.lanes) if lane.process == name]
        self.lane_names = tuple(layout.lanes[index].name for index in self.lanes)
        self.generation = shared_memory.generation
        self.program: Program | None = None
        self.state: dict[str, Any] = {}

    def refresh(self) -> Program:
        """Return the current program; the first call after a change resets the process-scoped state."""
        if self.program is None or self.generation != self.shared_memory.generation:
            self.generation = self.shared_memory.generation
            self.program = _decode(self.shared_memory.program())
            self.state = {}
            random.seed(self.program.clock_start_ns)
            forget_last_ids()
            if self.generation % _COLLECT_EVERY == 0:
                gc.collect()
        return self.program

    def executor(self, lane: int, waits: Waits) -> OpExecutor:
        """Return an executor for one lane and the current program."""
        program = self.refresh()
        own = program.lanes[lane].transcript
        return OpExecutor(
            lane,
            program.lanes[lane],
            os.path.join(os.path.dirname(self.transcript), f"{own}.jsonl") if own else self.transcript,
            self.make_fence,
            self.state,
            self.layout.options,
            self.shared_memory,
            waits,
        )

    def start_service(self) -> None:
        """Let a fence start a service for all lanes of the process, before the first schedule."""
        start = getattr(self.make_fence, "start_service", None)
        if start is not None:
            start(self.transcript)

    def serve(self, lane: int, waits: _KernelWaits) -> None:
        """Run one lane, schedule after schedule, until the process is killed."""
        while True:
            waits.stop(IDLE, lane, 0)
            executor = self.executor(lane, waits)
            if self.layout.traces_code:
                self._trace(lane, executor)
            else:
                executor.run()

    def _trace(self, lane: int, executor: OpExecutor) -> None:
        # Loaded by `main`, before file calls are trapped.
        from harness.lanes.line_tracer import LineTracer, own_files

        own, spec = own_files(self.make_fence), self.layout.debug
        tracer = LineTracer(lane, self.shared_memory.code, own)
        if spec is not None and spec.lane in (-1, lane):
            # Imported only here: pdb brings a lot with it, and each worker of a search would have it.
            from harness.lanes.debugger import LaneDebugger

            tracer = LaneDebugger(lane, self.layout.lanes[lane].name, self.shared_memory, own, spec)
        executor.note_exceptions(tracer.raised)
        tracer.run(executor.run)


def _leave_explorer(parent: int, needed: Iterable[socket.socket], spoken: Iterable[int] = ()) -> None:
    """Tie this process to its parent, and give up what it has of the parent's: signals, descriptors.

    Args:
        parent: process id of the parent.
        needed: the only descriptors that stay open; standard input, output and error become empty.
        spoken: descriptors of a debugger's user, which stay open as well.
    """
    if sys.platform == "linux":
        end_with_parent()
    if os.getppid() not in (parent, _IN_ANOTHER_NAMESPACE):
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # A signal to its process group reaches this process and what it starts, and no other one.
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    standard = (0, 1, 2)
    for fd in standard:
        os.dup2(null, fd)
    close_all_but({*standard, *(one.fileno() for one in needed), *spoken})


def _enter(directory: str) -> None:
    """Move into the session directory; programs started there have the same addresses each time."""
    os.chdir(directory)
    if sys.platform == "linux":
        # A container may forbid it.
        _libc.personality(linux_abi.ADDR_NO_RANDOMIZE)
    os.environ["TMPDIR"] = directory
    sys.dont_write_bytecode = True


def prepare() -> None:
    """Do the common part of every worker's start once, in the process that will fork the workers.

    Most of it visits every object of the interpreter; in a child that would copy their memory pages.
    """
    _import_early()
    seccomp.build()
    find_clocks()
    gc.collect()
    gc.freeze()


def _freeze() -> None:
    """Exempt all existing objects from garbage collection, and collect only between schedules."""
    _import_early()
    gc.freeze()
    gc.disable()


def _import_early() -> None:
    """Import the modules that a fork or an operation would import, before file calls are trapped."""
    import multiprocess.popen_fork  # noqa: F401  # for its side effect of being there

    import harness.lanes.program_requests
    import harness.scenario.actions
    import harness.scenario.exec_program
    import harness.scenario.roles.compactor  # noqa: F401  # for its side effect of being there


def _start_lane(shared_memory: SharedMemory, serve: Callable[..., None], *args: object) -> None:
    """Start the thread of a lane; end the process, with a word to the gate, where no thread is allowed."""
    try:
        with starting("the thread of a lane"):
            threading.Thread(target=serve, args=args, daemon=True).start()
    except Shortage as error:
        shared_memory.record_error(str(error))
        os._exit(1)


def main_free(
    layout: Layout,
    name: str,
    directory: str,
    shared_memory: SharedMemory,
    log: Log,
    sockets: dict[int, socket.socket],
    cores: set[int],
    parent: int,
) -> None:
    """Run a worker process under the free gate; does not return.

    Args:
        layout: lanes and fence.
        name: name of the process in the scenario.
        directory: the session directory.
        shared_memory, log: memory shared with the gate.
        sockets: one for each lane; it receives the time to start at, and sends the number of the
            program (`IDLE_WORD`) when it is idle.
        cores: cores to run on, because the gate may be pinned to one; empty: any core.
        parent: process id of the gate.
    """
    # The gate has imported them; a worker of the kernel gate needs none.
    from harness.gates.free.jitter import Jitter
    from harness.gates.free.workers import BROKEN, START
    from harness.gates.free.workers import IDLE as IDLE_WORD

    _leave_explorer(parent, sockets.values())
    make_fence = resolve(layout.fence)
    _enter(directory)
    if cores:
        os.sched_setaffinity(0, cores)
    sys.setswitchinterval(_SWITCH_S)
    process = _Process(layout, name, directory, shared_memory, make_fence)
    host(make_fence, lambda: AdapterHost(process.lane_names, shared_memory))
    waits = Jitter(process.transcript, process.lanes, shared_memory, log)
    first = threading.Lock()
    seccomp.install_without_supervisor()
    process.start_service()
    _freeze()

    def serve(lane: int) -> None:
        try:
            sockets[lane].send(IDLE_WORD.pack(process.generation))
            while start := sockets[lane].recv(START.size):
                with first:
                    executor = process.executor(lane, waits)
                    waits.ready(lane, process.refresh())
                time.sleep(max(0, START.unpack(start)[0] - time.monotonic_ns()) / 1e9)
                executor.run()
                sockets[lane].send(IDLE_WORD.pack(process.generation))
        except BaseException as error:  # a bug of the harness: the gate reports it, and no fence is accused
            closed = isinstance(error, OSError) and error.errno == errno.EBADF
            shared_memory.record_error(_CLOSED if closed else traceback.format_exc()[-8000:])
            with contextlib.suppress(OSError):
                sockets[lane].send(BROKEN)
        # The gate is gone. End by a signal, so that the end is not attributed to the fence.
        os.kill(os.getpid(), signal.SIGKILL)

    for lane in process.lanes[1:]:
        _start_lane(shared_memory, serve, lane)
    serve(process.lanes[0])


def main(
    layout: Layout,
    name: str,
    directory: str,
    shared_memory: SharedMemory,
    clock: Clock,
    channel: socket.socket,
    parent: int,
    private: PrivateDirectories | None = None,
) -> None:
    """Run a worker process under the kernel gate; does not return.

    Args:
        layout: lanes and fence.
        name: name of the process in the scenario.
        directory: the session directory.
        shared_memory: memory shared with the gate.
        clock: virtual time.
        channel: sends the listener's descriptor, or an error message.
        parent: process id of the supervisor.
        private: directories of programs.
    """
    try:
        spoken = () if layout.debug is None else (layout.debug.reads, layout.debug.writes)
        _leave_explorer(parent, [channel], spoken)
        # Before the working directory changes: the reference may be a relative path.
        make_fence = resolve(layout.fence)
        _enter(directory)
        if private is not None:
            live_in(private)
        process = _Process(layout, name, directory, shared_memory, make_fence)
        waits = _KernelWaits()
        host(make_fence, lambda: GatedAdapterHost(process.lane_names, shared_memory, waits))
        _freeze()
        if layout.traces_code:
            # Imported only here: no worker of a search needs it.
            from harness.lanes.line_tracer import print_at_once

            print_at_once()
        # The supervisor takes what is written there.
        faulthandler.register(STACK_SIGNAL, file=_STDERR, all_threads=False)
        listener = seccomp.install(interruptible=layout.debug is not None)
    except HarnessError as error:
        channel.send(str(error).encode()[:4000])
        os._exit(1)
    socket.send_fds(channel, [b"ready"], [listener])
    os.close(listener)
    channel.close()
    process.start_service()
    index = layout.process_index(name)
    replace_clocks(lambda: clock.now_ns, waits.sleep, lambda: clock.now_ns + clock.offset_ns(index))
    for lane in process.lanes[1:]:
        _start_lane(shared_memory, process.serve, lane, waits)
    process.serve(process.lanes[0], waits)
