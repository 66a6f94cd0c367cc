"""Reads that wait for another process's descriptor, and the sleepers that a write to it may wake.

A thread that is about to read from an empty pipe sleeps until another thread writes to it or the last
writer is gone. That is known without a look at the thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
from typing import NamedTuple

__all__ = ["ANY_SLEEPER", "NO_SLEEPER", "PipeReader", "empties", "reach"]

#: A change wakes no sleeper: it is a file or a device.
NO_SLEEPER = 0
#: A change may wake any sleeper.
ANY_SLEEPER = -1

_DIRECT = (stat.S_ISREG, stat.S_ISCHR, stat.S_ISDIR, stat.S_ISBLK)


class PipeReader(NamedTuple):
    """The empty pipe from which a thread reads, and the thread's run count before that."""

    fd: int
    pipe: int
    runs: bytes


def reach(pid: int, fd: int) -> int:
    """Return which sleepers a change may wake: `NO_SLEEPER`, `ANY_SLEEPER`, or the number of a pipe."""
    try:
        status = os.stat(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return NO_SLEEPER
    if stat.S_ISFIFO(status.st_mode):
        return status.st_ino
    return NO_SLEEPER if any(kind(status.st_mode) for kind in _DIRECT) else ANY_SLEEPER


def empties(pid: int, fd: int) -> bool:
    """Return whether a read of a descriptor would wait, as long as its pipe is not written to."""
    with contextlib.suppress(OSError, ValueError):
        with open(f"/proc/{pid}/fdinfo/{fd}", "rb") as info:
            for line in info:
                if line.startswith(b"flags:"):
                    flags = int(line.split()[1], 8)
                    # From the end for writing a read fails at once, as from one that does not wait.
                    if flags & os.O_NONBLOCK or flags & os.O_ACCMODE == os.O_WRONLY:
                        return False
                    break
        ours = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            poll = select.poll()
            poll.register(ours, select.POLLIN)
            return not poll.poll(0)
        finally:
            os.close(ours)
    return False
