"""Event descriptors under numbers of which the filter lets a read pass, so that a wake-up costs no trap.

An event loop is woken through an eventfd after each file call of its pool. To read from it is about no
file and says nothing that the next file call does not say, yet a trap costs as much as a step. So a child
process that makes an eventfd gets it under a number of our own choice, and reads of these numbers
are not trapped. Writes are: a thread that wakes another one has returned from its own call, and that has
to be known before the other goes on, or its calls are taken to be about a descriptor that is closed by
then. Numbers are counted by process and inherited by those that it starts, so that none is ever given twice.

A descriptor that has such a number without having got it here is found when it is closed, or used in any
other way; then the schedule is inconclusive.
"""

from __future__ import annotations

import os

from harness.gates.kernel.handed_descriptors import hand_over
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.syscall_table import EVENTFDS

__all__ = ["NUMBERS", "OCCUPIED", "is_reserved", "make"]

#: Numbers of the event descriptors.
NUMBERS = EVENTFDS

#: Why a schedule is inconclusive in which another file has one of these numbers.
OCCUPIED = (
    f"descriptor {NUMBERS.start} or one of those after it was used for a file; its calls are not followed"
)


def is_reserved(fd: int) -> bool:
    """Return whether the filter lets a read of a descriptor pass."""
    return fd in NUMBERS


def make(tracee: TraceeProcess, pending: PendingSyscall) -> int | None:
    """Make an eventfd in a process in place of its call.

    Returns:
        The descriptor's number; None when the kernel is to run the call: the descriptor is
        shared with the processes that it starts, all numbers have been given, or it may not
        have so many descriptors.
    """
    flags = pending.args[1] if pending.call.name == "eventfd2" else 0
    if not flags & os.EFD_CLOEXEC or tracee.events >= len(NUMBERS):
        return None
    try:
        made = os.eventfd(pending.args[0] & 0xFFFFFFFF, flags & 0xFFFFFFFF)
    except OSError:
        # Flags that make no sense; the kernel will say so.
        return None
    number = NUMBERS[tracee.events]
    try:
        hand_over(pending, made, number)
    except OSError:
        return None
    finally:
        os.close(made)
    tracee.count_event()
    return number
