"""Doing a lane's write in its place, with fewer bytes: what the kernel does when a disk fills up.

A copy of the lane's descriptor shares its open file description, so position and
append mode are the lane's own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat

from harness.gates.kernel.lane import PendingSyscall
from harness.gates.kernel.path_resolution import signed

__all__ = ["write_for"]

_PIDFD_GETFD = 438
_SIGN = 1 << 63
_libc = ctypes.CDLL(None, use_errno=True)


def write_for(stand: PendingSyscall, count: int) -> int | None:
    """Carry out the first part of a write or pwrite64 before which a lane stands.

    Args:
        stand: the call.
        count: bytes to write of those that it names.

    Returns:
        Bytes written, or a negative errno, as the kernel would return it; None when
        nothing was done because it is no regular file, whose reader might be waited for.
    """
    fd, address = signed(stand.args[0]), stand.args[1]
    copy = _libc.syscall(_PIDFD_GETFD, stand.space.pidfd, fd, 0)
    if copy < 0:
        return -ctypes.get_errno()
    try:
        if not stat.S_ISREG(os.fstat(copy).st_mode):
            return None
        data = stand.space.memory.read(address, count)
        if stand.call.name == "pwrite64":
            at = stand.args[3]
            return os.pwrite(copy, data, at - 2 * _SIGN if at & _SIGN else at)
        return os.write(copy, data)
    except OSError as error:
        return -(error.errno or errno.EIO)
    finally:
        os.close(copy)
