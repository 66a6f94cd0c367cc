"""Receive one notification, in a call that a signal ends.

The watchdog's tick is a signal. From Python 3.14 on `fcntl.ioctl` makes a call again that a signal has ended
(github.com/python/cpython/pull/132768), so the tick would pass unseen while the gate waits, and a lane that
never stops would be waited for without end.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from fcntl import ioctl
from typing import Final

from harness.gates.kernel.linux_abi import NOTIF, NOTIF_RECV

__all__ = ["by_fcntl", "by_libc", "notification"]

_ZERO: Final = bytes(NOTIF.size)
_ioctl = ctypes.CDLL(None, use_errno=True).ioctl


def by_fcntl(listener: int) -> bytes:
    """Return one notification, in the layout `linux_abi.NOTIF`.

    Raises:
        InterruptedError: a signal came first; up to Python 3.13.
        FileNotFoundError: no process is left behind the listener.
    """
    return ioctl(listener, NOTIF_RECV, _ZERO)


def by_libc(listener: int) -> bytes:
    """Return the same in any version of Python, and a little slower."""
    buffer = ctypes.create_string_buffer(NOTIF.size)
    if _ioctl(listener, ctypes.c_ulong(NOTIF_RECV), buffer) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return buffer.raw


#: What a gate uses.
notification: Final[Callable[[int], bytes]] = by_libc if sys.version_info >= (3, 14) else by_fcntl
