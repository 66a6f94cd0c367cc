"""Reading and writing a stopped task's memory, and answering stat in it.

Uses ``/proc/PID/mem``, which needs no more rights than the supervisor of its own
children has. The descriptor must be opened anew after an exec.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from harness.gates.kernel.inode import Inode, Shown
from harness.system.machine_limits import check_descriptor

__all__ = ["TraceeMemory", "pack_stat", "pack_statx"]

_PATH_MAX: Final = 4096
_PAGE: Final = 4096

# struct stat of x86-64: dev ino nlink mode uid gid pad rdev size blksize blocks,
# then three pairs of seconds and nanoseconds, then three reserved words.
_STAT: Final = struct.Struct("=QQQIIIIQqqq6Q24x")
# struct statx up to the device numbers: mask blksize attributes nlink uid gid mode
# ino size blocks attributes_mask, atime btime ctime mtime, rdev and dev as pairs.
_STATX: Final = struct.Struct("=IIQIIIHxxQQQQqIxxxxqIxxxxqIxxxxqIxxxxIIII112x")

_BASIC_STATS: Final = 0x7FF
_BTIME: Final = 0x800
_SECOND: Final = 1_000_000_000


class TraceeMemory:
    """Memory of one process."""

    def __init__(self, pid: int) -> None:
        self._fd = check_descriptor(os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC))

    def path(self, address: int) -> bytes:
        """Return a NUL-terminated path, without the NUL; empty where there is none to read."""
        # Up to the end of its page first: the next page may not be mapped.
        try:
            data = os.pread(self._fd, min(256, _PAGE - address % _PAGE), address)
        except OSError:
            return b""
        end = data.find(b"\0")
        while end < 0 and len(data) < _PATH_MAX:
            at = address + len(data)
            try:
                more = os.pread(self._fd, _PAGE - at % _PAGE, at)
            except OSError:
                return b""
            if not more:
                break
            data += more
            end = data.find(b"\0")
        return data[:end] if end >= 0 else data

    def read(self, address: int, length: int) -> bytes:
        """Bytes at an address."""
        return os.pread(self._fd, length, address)

    def write(self, address: int, data: bytes) -> None:
        """Put bytes at an address."""
        os.pwrite(self._fd, data, address)

    def close(self) -> None:
        """Let the descriptor go."""
        os.close(self._fd)


def pack_stat(real: os.stat_result, inode: Inode | Shown) -> bytes:
    """Return a ``struct stat`` with the real type, size and links and the virtual number and times."""
    birth, change, modified = inode.btime, inode.ctime, inode.mtime
    return _STAT.pack(
        real.st_dev,
        inode.virtual_ino,
        real.st_nlink,
        real.st_mode,
        real.st_uid,
        real.st_gid,
        0,
        real.st_rdev,
        real.st_size,
        real.st_blksize,
        real.st_blocks,
        *divmod(birth, _SECOND),
        *divmod(modified, _SECOND),
        *divmod(change, _SECOND),
    )


def pack_statx(real: os.stat_result, inode: Inode | Shown, birth_time: bool) -> bytes:
    """Return a ``struct statx`` likewise; without a birth time where the file system has none."""
    birth = inode.btime if birth_time else 0
    mask = _BASIC_STATS | (_BTIME if birth_time else 0)
    return _STATX.pack(
        mask,
        real.st_blksize,
        0,
        real.st_nlink,
        real.st_uid,
        real.st_gid,
        real.st_mode,
        inode.virtual_ino,
        real.st_size,
        real.st_blocks,
        0,
        *divmod(inode.btime, _SECOND),
        *divmod(birth, _SECOND),
        *divmod(inode.ctime, _SECOND),
        *divmod(inode.mtime, _SECOND),
        os.major(real.st_rdev),
        os.minor(real.st_rdev),
        os.major(real.st_dev),
        os.minor(real.st_dev),
    )
