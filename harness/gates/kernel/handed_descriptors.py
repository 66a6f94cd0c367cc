"""Putting a descriptor of the supervisor's into a process that is stopped before a call."""

from __future__ import annotations

import os
import signal
import struct
from fcntl import ioctl

from harness.gates.kernel import linux_abi
from harness.gates.kernel.process import PendingSyscall

__all__ = ["hand_over"]

#: struct seccomp_notif_addfd: id, flags, our descriptor, its number there, its flags
_ADDFD = struct.Struct("=QIIII")


def hand_over(
    pending: PendingSyscall, ours: int, number: int | None = None, flags: int = os.O_CLOEXEC
) -> int:
    """Put a descriptor into the process that makes a call.

    Args:
        pending: the call.
        ours: the descriptor, which stays open here.
        flags: `os.O_CLOEXEC`, or 0 where it is to stay open when the process starts another program.
        number: under which number, in place of what has it; None for the lowest that is free.

    Returns:
        Its number there.

    Raises:
        OSError: the process may not have so many, or is gone.
    """
    chosen = 0 if number is None else linux_abi.ADDFD_SETFD
    request = bytearray(_ADDFD.pack(pending.trap_id, chosen, ours, number or 0, flags))
    # A signal in between would leave it open whether it has been done.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        return int(ioctl(pending.process.listener, linux_abi.NOTIF_ADDFD, request))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
