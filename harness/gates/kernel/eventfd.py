"""Being woken needs no trap: event descriptors under numbers of which the filter lets a read pass.

An event loop is woken through an eventfd after each file call of its pool. To read from it is about no
file and says nothing that the next file call does not say, yet a trap costs as much as a step. So a process
of a family that makes an eventfd gets it under a number of our own choice, and reads of these numbers
are not trapped. Writes are: who wakes another one has returned from its own call, and that has to
be known before the other goes on, or what that one does is told of a descriptor that is closed by
then. Numbers are counted by process and inherited by those that it starts, so that none is ever given twice.

What has such a number without having got it here is found when it is closed, or whatever else is
done to it; then the truth is not known.
"""

from __future__ import annotations

import os
import signal
import struct
from fcntl import ioctl
from typing import TYPE_CHECKING

from harness.gates.kernel import linux_abi
from harness.gates.kernel.lane import answer

if TYPE_CHECKING:
    from harness.gates.kernel.lane import PendingSyscall
    from harness.gates.kernel.tracee import TraceeProcess

__all__ = ["NUMBERS", "OCCUPIED", "grant", "is_reserved"]

#: Below the usual limit of 1,024, and above what anybody has open who is not out for it.
NUMBERS = range(960, 1020)

#: Why the truth is not known where somebody else has one of them.
OCCUPIED = (
    f"descriptor {NUMBERS.start} or one of those after it was used for a file; its calls are not followed"
)

#: struct seccomp_notif_addfd: id, flags, our descriptor, its number there, its flags
_ADDFD = struct.Struct("=QIIII")


def is_reserved(fd: int) -> bool:
    """Whether the filter lets a read of a descriptor pass."""
    return fd in NUMBERS


def grant(unit: TraceeProcess, stand: PendingSyscall) -> bool:
    """Answer the call that makes an eventfd with one of our numbers.

    Returns:
        False when the kernel is to answer: it is shared with whatever the process starts,
        all numbers have been given, or it may not have so many descriptors.
    """
    flags = stand.args[1] if stand.call.name == "eventfd2" else 0
    if not flags & os.EFD_CLOEXEC or unit.events >= len(NUMBERS):
        return False
    try:
        made = os.eventfd(stand.args[0] & 0xFFFFFFFF, flags & 0xFFFFFFFF)
    except OSError:
        # Flags that make no sense; the kernel will say so.
        return False
    number = NUMBERS[unit.events]
    # A signal in between would leave it open whether it has been done.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        ioctl(
            unit.listener,
            linux_abi.NOTIF_ADDFD,
            _ADDFD.pack(stand.trap_id, linux_abi.ADDFD_SETFD, made, number, os.O_CLOEXEC),
        )
    except OSError:
        return False
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(made)
    unit.events += 1
    answer(unit, stand.trap_id, number)
    return True
