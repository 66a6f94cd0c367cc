"""Handle signals that ask for an end: raise at most once, or count them while results could be lost."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["SIGNALS", "Interrupts", "asked", "ignore", "interrupt_once", "put_off"]

#: Ctrl-C, a polite kill, and a closed terminal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AGAIN_S = 0.001


def interrupt_once() -> None:
    """Let the first of `SIGNALS` raise KeyboardInterrupt, and ignore the later ones.

    A signal that is already ignored (``nohup``) stays ignored. An exception that Python drops, because a
    finalizer was at work, is raised again after it.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)
    sys.unraisablehook = _raise_again


def _raise(_number: int, _frame: FrameType | None) -> None:
    ignore()
    raise KeyboardInterrupt


def _raise_again(dropped: sys.UnraisableHookArgs) -> None:
    if not issubclass(dropped.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(dropped)
        return
    # Not at once: an exception raised in this function is dropped as well.
    signal.signal(signal.SIGALRM, _raise)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


@contextlib.contextmanager
def put_off() -> Iterator[None]:
    """Block `SIGNALS` in the meantime: an exception in the middle of an import crashes some C extensions."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore() -> None:
    """Ignore `SIGNALS` from now on."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def asked() -> bool:
    """Return whether one of `SIGNALS` was counted by an `Interrupts` that is entered now."""
    return any(one.count for one in _entered)


class Interrupts:
    """Counts `SIGNALS` while it is entered, and makes `reading` readable to wake a waiting poll.

    An exception in the middle of a run would lose its results. Outside the main thread, where
    Python handles no signals, it counts nothing.
    """

    def __enter__(self) -> Interrupts:
        self.count = 0
        _entered.append(self)
        self.reading, self._writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        _entered.remove(self)
        os.close(self.reading)
        os.close(self._writing)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        with contextlib.suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def drain(self) -> None:
        """Empty `reading`, so that signals counted so far wake no further poll."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.reading, 4096)


_entered: list[Interrupts] = []
