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
import signal
import struct
from fcntl import ioctl

from harness.gates.kernel import linux_abi
from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.process import PendingSyscall, Process

__all__ = ["NUMBERS", "OCCUPIED", "is_reserved", "make", "put"]

#: Below the usual limit of 1,024, and above what a program has open that does not choose its numbers.
NUMBERS = range(960, 1020)

#: Why a schedule is inconclusive in which another file has one of these numbers.
OCCUPIED = (
    f"descriptor {NUMBERS.start} or one of those after it was used for a file; its calls are not followed"
)

#: struct seccomp_notif_addfd: id, flags, our descriptor, its number there, its flags
_ADDFD = struct.Struct("=QIIII")


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
    try:
        number = put(tracee, pending.trap_id, made, os.O_CLOEXEC, NUMBERS[tracee.events])
    except OSError:
        return None
    finally:
        os.close(made)
    tracee.count_event()
    return number


def put(process: Process, trap_id: int, file: int, flags: int, number: int = -1) -> int:
    """Put an open file into a process that is stopped before a call.

    Args:
        process: which.
        trap_id: of the call.
        file: our descriptor.
        flags: `os.O_CLOEXEC` or 0.
        number: of the descriptor there; -1 for the lowest that is free.

    Returns:
        The number of the descriptor there.

    Raises:
        OSError: it may not have so many descriptors, or is gone.
    """
    chosen = linux_abi.ADDFD_SETFD if number >= 0 else 0
    # A signal in between would leave it open whether it has been done.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        request = bytearray(_ADDFD.pack(trap_id, chosen, file, max(number, 0), flags))
        return int(ioctl(process.listener, linux_abi.NOTIF_ADDFD, request))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
