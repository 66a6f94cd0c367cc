"""What another process's descriptors lead to: whether a read waits, whom a write may wake.

A thread that is about to read from an empty pipe sleeps until somebody writes to it or the last
writer is gone. That is known without a look at the thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat

__all__ = ["NOBODY", "UNKNOWN", "empties", "reach"]

#: Reaches nobody: a file or a device.
NOBODY = 0
#: May reach anybody.
UNKNOWN = -1

_DIRECT = (stat.S_ISREG, stat.S_ISCHR, stat.S_ISDIR, stat.S_ISBLK)


def reach(pid: int, fd: int) -> int:
    """Whom a change of a descriptor may wake: `NOBODY`, `UNKNOWN`, or the number of a pipe."""
    try:
        status = os.stat(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return NOBODY
    if stat.S_ISFIFO(status.st_mode):
        return status.st_ino
    return NOBODY if any(kind(status.st_mode) for kind in _DIRECT) else UNKNOWN


def empties(pid: int, fd: int) -> bool:
    """Whether a read of a descriptor would wait, as long as nobody writes to its pipe."""
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
