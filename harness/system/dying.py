"""Tells from /proc whether a process or thread is about to end."""

from __future__ import annotations

import signal

__all__ = ["is_dying"]

#: Fields of a stat file, counted behind the name: the flags, PF_EXITING and PF_SIGNALED; the signals that
#: wait for the thread, and the bit of SIGKILL.
_FLAGS_AT, _EXITING = 6, 0x404
_PENDING_AT, _KILL = 28, 1 << signal.SIGKILL - 1


def is_dying(path: str) -> bool:
    """Return whether a thread ends, or was sent a signal that ends it.

    Args:
        path: its stat file in /proc.

    Raises:
        OSError: it is gone.
    """
    with open(path, "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    # The kernel makes SIGKILL of any signal that ends a process.
    return bool(int(fields[_FLAGS_AT]) & _EXITING or int(fields[_PENDING_AT]) & _KILL)
