"""Return the stat fields of a file with its birth time.

Python's `os.stat` has no birth time on Linux before 3.15, so this calls the C library's ``statx``; the
layout of its result is the same on every architecture.
"""

from __future__ import annotations

import ctypes
import dataclasses
import os
import struct

__all__ = ["FileStat", "statx"]

_AT_FDCWD = -100
_STATX_BTIME = 0x800
_WANTED = 0x7FF | _STATX_BTIME  # the basic fields and the birth time
_SIZE = 256
# mask .. nlink .. ino, size .. | 4 times of (seconds, nanoseconds) from 64 on | dev from 136 on
_HEAD = struct.Struct("=I28xQQ")
_TIME = struct.Struct("=qI")
_DEVICE = struct.Struct("=II")
_BIRTH_AT, _CHANGE_AT, _MODIFY_AT, _DEVICE_AT = 80, 96, 112, 136

_call = getattr(ctypes.CDLL(None, use_errno=True), "statx", None)


@dataclasses.dataclass(frozen=True)
class FileStat:
    """The stat fields of a file, times in nanoseconds since 1970.

    Args:
        dev, ino: identity of the file.
        size: bytes.
        mtime_ns: last change of the bytes.
        ctime_ns: last change of bytes or metadata.
        birth_ns: creation of the file; None if the file system does not record it.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    birth_ns: int | None


def statx(path: str) -> FileStat:
    """Return the stat fields of the file behind a path, with one system call.

    Raises:
        OSError: as `os.stat`.
    """
    if _call is None:
        return _without(path)
    buffer = ctypes.create_string_buffer(_SIZE)
    if _call(_AT_FDCWD, os.fsencode(path), 0, _WANTED, buffer) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    raw = buffer.raw
    mask, ino, size = _HEAD.unpack_from(raw)
    return FileStat(
        dev=os.makedev(*_DEVICE.unpack_from(raw, _DEVICE_AT)),
        ino=ino,
        size=size,
        mtime_ns=_time_ns(raw, _MODIFY_AT),
        ctime_ns=_time_ns(raw, _CHANGE_AT),
        birth_ns=_time_ns(raw, _BIRTH_AT) if mask & _STATX_BTIME else None,
    )


def _time_ns(raw: bytes, at: int) -> int:
    seconds, nanoseconds = _TIME.unpack_from(raw, at)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _without(path: str) -> FileStat:
    # Without statx, on other systems than Linux, os.stat has to do.
    status = os.stat(path)
    birth_s: float | None = getattr(status, "st_birthtime", None)
    birth_ns = None if birth_s is None else int(birth_s * 1_000_000_000)
    return FileStat(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, birth_ns
    )
