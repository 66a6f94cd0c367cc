"""Files that are made without a name (O_TMPFILE), and may get one later."""

from __future__ import annotations

import os

from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["makes_nameless", "take_in_nameless"]


def makes_nameless(pending: PendingSyscall) -> bool:
    """Return whether a call is an open that makes a file without a name."""
    return pending.flags & os.O_TMPFILE == os.O_TMPFILE


def take_in_nameless(files: VirtualFiles, pending: PendingSyscall) -> None:
    """Take in the file that an open has just made without a name, if it did not fail.

    It is the one of the process's open files that has no link and is not known: of its threads one moves.
    """
    process = pending.process
    folder = f"/proc/{process.pid}/fd"
    try:
        numbers = sorted(int(number) for number in os.listdir(folder))
    except OSError:
        return
    for fd in numbers:
        try:
            status = os.stat(f"{folder}/{fd}")
        except OSError:
            continue
        if status.st_dev != files.device or status.st_nlink:
            continue
        known = files.by_ino.get(status.st_ino)
        if (known is None or known.freed) and os.readlink(f"{folder}/{fd}").startswith(files.directory + "/"):
            files.born_nameless(status.st_ino).opened()
            process.forget_fd(fd)
            return
