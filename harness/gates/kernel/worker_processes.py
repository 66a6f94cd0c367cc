"""Starting and stopping worker processes, and taking over their listeners."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
from collections.abc import Callable
from typing import Any

from fence.external.time_limit import TimeLimit
from harness.gates.adapter_diagnostics import last_words
from harness.gates.kernel import linux_abi, program_clock
from harness.gates.kernel.lane import Worker
from harness.gates.kernel.process import Process
from harness.gates.kernel.quiescence import children_of, filters_of, halted
from harness.gates.kernel.stat_appearance import watches
from harness.model.errors import GateUnavailable, WorkerDied
from harness.model.gate import Layout
from harness.model.shared_memory import Clock, SharedMemory
from harness.system.confined_starter import ConfinedStarter
from harness.system.descriptors import close_all_but
from harness.system.forking import get_context
from harness.system.parent_death import end_with_parent
from harness.system.private_directories import PrivateDirectories
from harness.system.reap import ended, kill_tree
from harness.system.terminals import TerminalPair, open_pair

__all__ = ["WorkerKilled", "WorkerProcesses", "orphans"]

_START_S = 20.0
_TICK_S = 0.05
#: Process ids where they are the session's own: those of workers come after multiples of the first, those of
#: what they start in a schedule after the second. Linux's default limit is 32768.
_WORKER_IDS, _STARTED_IDS = 1000, 20_000
#: Process ids of the workers of every gate in this process.
_alive: set[int] = set()


class WorkerKilled(WorkerDied):
    """A worker was killed while it started, or was stopped and did not go on in time."""


def orphans(worker: Worker) -> list[int]:
    """Return the processes that descendants of workers have left behind.

    It has come to the first process of their PID namespace, or to us when we are a subreaper, and it is known
    by the filter that it inherited: our other children have as many filters as we have.

    Args:
        worker: one of the session.
    """
    ours = filters_of(os.getpid())
    adopted = children_of(worker.first_pid) if worker.first_pid else []
    found = [pid for pid in (*adopted, *children_of(os.getpid())) if pid not in _alive]
    return [pid for pid in found if filters_of(pid) > ours]


def _service_ended(worker: Worker) -> bool:
    """Return whether a service of a worker has ended."""
    if not worker.services:
        return False
    gone = any(pid not in worker.tracees for pid in worker.services)
    pidfds = [worker.tracees[pid].pidfd for pid in worker.services if pid in worker.tracees]
    return gone or bool(select.select(pidfds, (), (), 0)[0])


def _sleep() -> None:
    """Be a process that does nothing and has a process id; does not return."""
    end_with_parent()
    close_all_but(())
    while True:
        signal.pause()


class WorkerProcesses:
    """The worker processes of one explorer.

    Args:
        main: what a worker runs; called with (layout, process name, directory, board,
            clock, socket).
        layout: lanes and fence.
        directory: the session directory.
        clock: virtual time.
        private: directories of programs; None where they have none.
    """

    def __init__(
        self,
        main: Callable[..., None],
        layout: Layout,
        directory: str,
        clock: Clock,
        private: PrivateDirectories | None = None,
    ) -> None:
        self._private = private
        self._main = main
        self._layout = layout
        self._directory = directory
        self._clock = clock
        self._context = get_context("fork")
        self._starter = ConfinedStarter(directory, own_pids=True, private=private.path if private else "")
        self._names: list[str] = []
        #: Whether a worker was started since the last schedule.
        self._ids_given = False
        self._strangers: list[Any] = []
        self.workers: dict[str, Worker] = {}

    def id_of(self, name: str) -> int:
        """Return the process id of a worker, where ids are the session's own."""
        if name not in self._names:
            self._names.append(name)
        return _WORKER_IDS * (self._names.index(name) + 1) + 1

    @property
    def has_own_ids(self) -> bool:
        """Return whether process ids are the session's own."""
        return self._starter.pids is not None

    @property
    def all_end(self) -> bool:
        """Return whether the kernel ends all workers, because their PID namespace ends."""
        return self._starter.pids is not None and not self._starter.pids.alive()

    def stop_unfit(self) -> list[str]:
        """Stop the workers that have to be replaced before the next schedule; return their names."""
        unfit = self._unfit()
        for worker in unfit:
            self.stop(worker)
        return [worker.name for worker in unfit]

    def _unfit(self) -> list[Worker]:
        workers = list(self.workers.values())
        unfit = [
            worker
            for worker in workers
            if worker.must_replace or not worker.handle.is_alive() or _service_ended(worker)
        ]
        # Where all end, they do so one after the other: those still alive would end in the schedule.
        return workers if unfit and self.all_end else unfit

    def spawn(self, name: str, number: int = 0) -> Worker:
        """Fork one worker and wait for its listener.

        Args:
            name: of the process.
            number: its process id, where ids are the session's own; 0 for that of its name.

        Raises:
            GateUnavailable: the worker could not install the filter.
            WorkerDied: it ended before it could say anything.
        """
        board = SharedMemory()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = self._context.Process(
                target=self._main,
                args=(self._layout, name, self._directory, board, self._clock, theirs, os.getpid()),
                kwargs={"private": self._private},
                name=f"worker-{name}",
            )
            self._starter.start(process, number or self.id_of(name))
            self._ids_given = True
            theirs.close()
            message, descriptors = self._first_word(name, process.pid, ours)
            if not descriptors:
                ended(process)
                if message:
                    raise GateUnavailable(message.decode())
                kind = WorkerKilled if (process.exitcode or 0) < 0 else WorkerDied
                raise kind(f"worker {name}: ended with status {process.exitcode} before it was ready")
        with contextlib.suppress(OSError):
            # Linux before 6.6 does not know the flag; a step then costs more.
            fcntl.ioctl(descriptors[0], linux_abi.NOTIF_SET_FLAGS, linux_abi.FD_SYNC_WAKE_UP)
        try:
            first = self._starter.pids.first if self._starter.pids else 0
            worker = Worker(name, process, descriptors[0], board, first)
        except OSError as error:
            os.close(descriptors[0])
            ended(process)
            raise WorkerKilled(f"worker {name}: gone before it was ready ({error})") from error
        self.workers[name] = worker
        _alive.add(worker.pid)
        return worker

    @staticmethod
    def _first_word(name: str, pid: int, ours: socket.socket) -> tuple[bytes, list[int]]:
        """Receive the listener of a new worker, or a message why there is none."""
        limit = TimeLimit(_START_S, lambda: [pid])
        ours.settimeout(_TICK_S)
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(ours, 4096, 1)
            except OSError as error:
                late = isinstance(error, TimeoutError)
                if late and not limit.over():
                    continue
                kind = WorkerKilled if halted(pid) or (late and limit.starved) else WorkerDied
                kill_tree(pid)
                raise kind(
                    f"worker {name}: no word{f' for {limit.spent}' if late else f' ({error})'}"
                ) from error
            return message, descriptors

    def open_terminal(self) -> TerminalPair:
        """Open a terminal for a program.

        Raises:
            OSError: the machine has no more.
        """
        return open_pair(self._starter.terminals)

    def begin(self, ids_given: bool) -> None:
        """Start a schedule: children of workers in it have the same process ids as in any other.

        Args:
            ids_given: something was started in the last one.
        """
        if self._starter.pids is not None and (ids_given or self._ids_given):
            self._ids_given = False
            self._starter.pids.next_id(_STARTED_IDS)

    def occupy(self, number: int) -> None:
        """Let a process that does nothing have an id, until `dismiss`."""
        process = self._context.Process(target=_sleep, name="stranger")
        self._starter.start(process, number)
        self._strangers.append(process)
        self._ids_given = True

    def dismiss(self) -> None:
        """End the processes that only have an id."""
        for process in self._strangers:
            kill_tree(process.pid)
            ended(process)
        self._strangers.clear()

    def share_clock(self, worker: Worker) -> bool:
        """Let the worker's clocks of the date show virtual time, if it is stopped at its first call.

        Returns:
            Whether it was.
        """
        if not select.select([worker.listener], (), (), _TICK_S)[0]:
            return False
        with contextlib.suppress(OSError):
            offset_at = self._clock.offset_at(self._layout.process_index(worker.name))
            program_clock.share_clock(worker.memory, worker.pid, self._clock.address, offset_at)
        return True

    def expect_alive(self, worker: Worker, limit: TimeLimit) -> None:
        """Raise when a worker that is being started has ended or takes too long."""
        if not worker.handle.is_alive():
            status, said = worker.handle.exitcode, worker.board.diagnostics()
            kind = WorkerKilled if status < 0 and not worker.board.has_error else WorkerDied
            raise kind(f"worker {worker.name}: {said or f'ended with status {status} at its start'}")
        if limit.over():
            kind = WorkerKilled if limit.starved or halted(worker.pid) else WorkerDied
            words = filter(None, (f"not ready after {limit.spent}", last_words(worker.pid, worker.board)))
            raise kind(f"worker {worker.name}: {'; '.join(words)}")

    def stop(self, worker: Worker) -> None:
        """Kill one worker with all that it started, and reap it."""
        if worker.handle.is_alive():
            # A process that was reaped may have lost its number to another one.
            kill_tree(worker.pid)
        ended(worker.handle)
        with contextlib.suppress(ValueError):
            # Still not reaped: its descriptors have to wait for the collector.
            worker.handle.close()
        worker.close()
        self.workers.pop(worker.name, None)
        _alive.discard(worker.pid)
        if worker.forked:
            self._kill_orphans(worker)

    def _kill_orphans(self, worker: Worker) -> None:
        """Kill what a worker's child left behind."""
        for pid in orphans(worker):
            kill_tree(pid)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def have_open(self, device: int, ino: int) -> bool:
        """Return whether a worker, or a process that it started, has a descriptor of a file.

        Args:
            device: of the session directory.
            ino: real number of the file there.
        """
        for process in self._all():
            with contextlib.suppress(OSError):
                for fd in os.listdir(f"/proc/{process.pid}/fd"):
                    status = os.stat(f"/proc/{process.pid}/fd/{fd}")
                    if (status.st_dev, status.st_ino) == (device, ino):
                        return True
        return False

    def watch(self, ino: int) -> bool:
        """Return whether a worker, or a process that it started, has an inotify watch on a file."""
        return any(watches(process.pid, ino) for process in self._all())

    def _all(self) -> list[Process]:
        return [process for worker in self.workers.values() for process in worker.processes()]

    def stop_all(self) -> None:
        """Kill every worker."""
        self.dismiss()
        for worker in list(self.workers.values()):
            self.stop(worker)
        self._starter.close()
