"""Descriptors that a process inherits, and copies of those of another process."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Collection

__all__ = ["close_all_but", "close_locked", "copy_of"]

_OPEN = "/dev/fd"
_PIDFD_GETFD = 438
_libc = ctypes.CDLL(None, use_errno=True)


def copy_of(pidfd: int, fd: int) -> int:
    """Return a copy of a descriptor of another process, for the same open file.

    Args:
        pidfd: of the process.
        fd: its descriptor.

    Raises:
        OSError: it has none of that number (EBADF), or may not be looked at (EPERM).
    """
    copy: int = _libc.syscall(_PIDFD_GETFD, pidfd, fd, 0)
    if copy < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return copy


def close_all_but(kept: Collection[int]) -> None:
    """Close each descriptor of this process that is not to be kept.

    Args:
        kept: descriptors.
    """
    # The descriptor of the listing itself is among those listed, and closed by then.
    for name in os.listdir(_OPEN):
        fd = int(name)
        if fd not in kept:
            with contextlib.suppress(OSError):
                os.close(fd)


def close_locked() -> None:
    """Close each descriptor of this process through which it has a lock on a file: an flock or a record lock.

    Objects that still have such a descriptor fail when they use it.
    """
    for name in os.listdir(_OPEN):
        with contextlib.suppress(OSError):
            with open(f"/proc/self/fdinfo/{name}", encoding="ascii") as file:
                locked = any(line.startswith("lock:") for line in file)
            if locked:
                os.close(int(name))
