"""Part of a lane's write, carried out in its place: what the kernel does when a disk fills up.

A copy of the lane's descriptor shares its open file description, so position and
append mode are the lane's own.
"""

from __future__ import annotations

import errno
import os
import stat

from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.system.descriptors import copy_of

__all__ = ["CUTTABLE_BYTES", "part_of", "write_for"]

#: A write of fewer cannot be cut short.
CUTTABLE_BYTES = 2
_SIGN = 1 << 63


def part_of(length: int, keep_permille: int) -> int:
    """Return how many bytes of a write are written that is cut short: at least one, and not all."""
    return 1 + (length - CUTTABLE_BYTES) * keep_permille // 999


def write_for(pending: PendingSyscall, count: int) -> int | None:
    """Carry out the first part of a write or pwrite64 before which a lane is stopped.

    Args:
        pending: the call.
        count: bytes to write of those that it names.

    Returns:
        Bytes written, or a negative errno, as the kernel would return it; None when
        nothing was done because it is no regular file, and a pipe's reader might have to be waited for.
    """
    fd, address = signed(pending.args[0]), pending.args[1]
    try:
        copy = copy_of(pending.process.pidfd, fd)
    except OSError as error:
        return -(error.errno or errno.EIO)
    try:
        if not stat.S_ISREG(os.fstat(copy).st_mode):
            return None
        data = pending.process.memory.read(address, count)
        if pending.call.name == "pwrite64":
            at = pending.args[3]
            return os.pwrite(copy, data, at - 2 * _SIGN if at & _SIGN else at)
        return os.write(copy, data)
    except OSError as error:
        return -(error.errno or errno.EIO)
    finally:
        os.close(copy)
