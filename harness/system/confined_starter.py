"""Starts processes under test from a thread that has given up what they must not have.

A denial by the kernel holds for a thread and for all that it starts. So the explorer itself goes on
unconfined, and the workers of one session are in *one* domain: they may signal each other, and meet on
abstract sockets, as on any machine. The thread has to live as long as they do, because a worker dies
with the thread that started it (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.system import (
    capabilities,
    landlock,
    pid_namespace,
    read_only_mounts,
    terminals,
    user_namespace,
)
from harness.system.machine_limits import starting
from harness.system.pid_namespace import PidNamespace, Refused

__all__ = ["ConfinedStarter", "unconfined"]

_walls = True


@contextlib.contextmanager
def unconfined() -> Iterator[None]:
    """Let starters that are made in the block confine nothing, so that it can be measured what walls cost."""
    global _walls  # noqa: PLW0603  # starters are made deep inside of what is measured
    _walls = False
    try:
        yield
    finally:
        _walls = True


class ConfinedStarter:
    """Starts the processes of one session directory.

    Args:
        directory: where they may write.
        private: another directory where they may write; empty for none.
        own_pids: give them process ids of their own, where this machine and user can.

    Attributes:
        pids: the namespace of their ids, once one is started.
        terminals: the folder of their terminals, as `terminals.mount` returns it.
    """

    def __init__(self, directory: str, own_pids: bool = False, private: str = "") -> None:
        self._writable = [directory, private] if private else [directory]
        self._confine = self._build_walls if _walls else _block_signals
        self._own_pids = own_pids and _walls
        self.pids: PidNamespace | None = None
        self.terminals: int | None = None
        self._thread: ThreadPoolExecutor | None = None

    def start(self, process: Any, number: int = 0) -> None:
        """Start a process of `multiprocess`; all signals are blocked in it.

        Args:
            process: not started yet.
            number: its id among them, if they have ids of their own.

        Raises:
            GateUnavailable: the kernel refuses to confine it.
            Shortage: the machine allows no further process.
        """
        thread = self._thread or self._made()
        if not self._next_id(number):
            # Another program has killed its first process, and the kernel all others with it.
            self.close()
            thread = self._made()
            self._next_id(number)
        with starting("a worker process"):
            thread.submit(_start, process.start).result()

    def _made(self) -> ThreadPoolExecutor:
        thread = ThreadPoolExecutor(1, "confined-starter")
        try:
            with starting("the thread that starts workers"), _forking():
                with contextlib.suppress(Refused):
                    self.pids = pid_namespace.take() if self._own_pids else None
                thread.submit(self._confine).result()
        except BaseException:
            self._end(thread)
            raise
        self._thread = thread
        return thread

    def _next_id(self, number: int) -> bool:
        """Choose the id of the next process; return False where its namespace has ended."""
        if self.pids is None:
            return True
        return self.pids.next_id(number) if number else self.pids.alive()

    def close(self) -> None:
        """End the thread, when the processes are gone: it ends them otherwise."""
        if self._thread is not None:
            self._end(self._thread)
            self._thread = None

    def _end(self, thread: ThreadPoolExecutor) -> None:
        if self.pids is not None:
            self.pids.close()
            self.pids = None
        if self.terminals is not None:
            os.close(self.terminals)
            self.terminals = None
        thread.shutdown()

    def _build_walls(self) -> None:
        _block_signals()
        mounted = read_only_mounts.make_read_only(*self._writable)
        if mounted and self._own_pids:
            self.terminals = terminals.mount()
        if self.pids is not None and not (mounted and self.pids.enter()):
            self.pids.close()
            self.pids = None
        capabilities.drop(all_of_them=user_namespace.entered())
        landlock.restrict(*self._writable, terminals=terminals.FOLDER if self.terminals is not None else "")


def _block_signals() -> None:
    # The ticks of the explorer's timer have to interrupt its main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def _start(start: Callable[[], None]) -> None:
    with _forking():
        start()


@contextlib.contextmanager
def _forking() -> Iterator[None]:
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork beside other threads. The other ones here hold no lock: they wait.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
