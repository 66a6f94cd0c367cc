"""Starts processes under test from a thread that has given up what they must not have.

What the kernel denies is denied to a thread and to all that it starts. So the explorer itself goes on
unconfined, and the workers of one session are in *one* domain: they may signal each other, and meet on
abstract sockets, as on any machine. The thread has to live as long as they do, because a worker dies
with the thread that started it (PR_SET_PDEATHSIG).
"""

from __future__ import annotations

import contextlib
import signal
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from harness.system import capabilities, landlock, read_only_mounts
from harness.system.machine_limits import starting

__all__ = ["ConfinedStarter"]


class ConfinedStarter:
    """Starts the processes of one session directory.

    Args:
        directory: where they may write.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._thread: ThreadPoolExecutor | None = None

    def start(self, process: Any) -> None:
        """Start a process of `multiprocess`; all signals are blocked in it.

        Raises:
            GateUnavailable: the kernel refuses to confine it.
            Shortage: the machine allows no further process.
        """
        if self._thread is None:
            thread = ThreadPoolExecutor(1, "confined-starter")
            try:
                with starting("the thread that starts workers"):
                    thread.submit(self._confine).result()
            except BaseException:
                thread.shutdown()
                raise
            self._thread = thread
        with starting("a worker process"):
            self._thread.submit(_start, process.start).result()

    def close(self) -> None:
        """End the thread, when the processes are gone: it ends them otherwise."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _confine(self) -> None:
        # The ticks of the explorer's timer have to interrupt its main thread.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        read_only_mounts.make_read_only(self._directory)
        capabilities.drop()
        landlock.restrict(self._directory)


def _start(start: Callable[[], None]) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # Python 3.12 warns of a fork beside other threads. The other ones here hold no lock: they wait.
        warnings.simplefilter("ignore", DeprecationWarning)
        start()
