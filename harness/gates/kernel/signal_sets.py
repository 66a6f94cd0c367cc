"""Signals of a task as the kernel lists them: sent and not taken yet, blocked, ignored, caught."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from harness.gates.kernel.linux_abi import NUMBERS
from harness.gates.kernel.quiescence import tasks_of

__all__ = ["SignalSets", "bit_of", "signal_sets", "to_be_handled", "waits_for_signals"]


class SignalSets(NamedTuple):
    """Sets of signals, in which bit 0 stands for signal 1.

    Args:
        own: sent to the thread alone and not taken yet.
        shared: sent to its process and not taken by any thread yet.
        blocked: by the thread.
        ignored: by the process.
        caught: the process has a handler for them.
    """

    own: int = 0
    shared: int = 0
    blocked: int = 0
    ignored: int = 0
    caught: int = 0

    @property
    def pending(self) -> int:
        """Return the signals that the thread may still get."""
        return self.own | self.shared

    @property
    def dropped(self) -> int:
        """Return the signals that the kernel drops: ignored, and not blocked, for a blocked one is kept."""
        return self.ignored & ~self.blocked


_LINES = (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigIgn", b"SigCgt")


def signal_sets(tid: int) -> SignalSets:
    """Return the signals of a thread; empty sets when it is gone."""
    found = {}
    with contextlib.suppress(OSError), open(f"/proc/{tid}/status", "rb") as status:
        for line in status:
            name, _, value = line.partition(b":")
            if name in _LINES:
                found[name] = int(value, 16)
    return SignalSets(*(found.get(name, 0) for name in _LINES))


def waits_for_signals(tid: int) -> bool:
    """Return whether a thread is in sigtimedwait: meanwhile what it waits for is not listed as blocked."""
    with contextlib.suppress(OSError), open(f"/proc/{tid}/syscall", "rb") as call:
        return call.read().startswith(b"%d " % NUMBERS["rt_sigtimedwait"])
    return False


def bit_of(number: int) -> int:
    """Return the bit of a signal in a set."""
    return 1 << number - 1


def to_be_handled(pid: int, tid: int, blocked: int | None = None) -> bool:
    """Return whether a signal waits that a thread is going to handle, so that its call is interrupted.

    One that was sent to the process goes to the first of its threads that does not block it, as the kernel
    has it.

    Args:
        pid: its process.
        tid: the thread.
        blocked: what it blocks during its call; None for what it blocks anyway.
    """
    mine = signal_sets(tid)
    if not mine.pending & mine.caught:
        return False
    open_to_it = mine.caught & ~(mine.blocked if blocked is None else blocked)
    if mine.own & open_to_it:
        return True
    shared = mine.shared & open_to_it
    for other in tasks_of(pid):
        if not shared or other == tid:
            break
        shared &= signal_sets(other).blocked
    return bool(shared)
