"""The fence under test that does what it is told: each line to append names a method."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

from fence.errors import TakeoverError
from fence.protocol import Fence

__all__ = ["Words", "error_of", "syscall"]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def syscall(number: int, *args: int | bytes | object) -> int:
    """One system call, as it is.

    Raises:
        OSError: it failed.
    """
    result = _libc.syscall(
        ctypes.c_long(number), *[ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    )
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return int(result)


def error_of(error: OSError) -> str:
    """Symbol of an error."""
    import errno

    return errno.errorcode[error.errno or 0]


class Words(Fence):
    """Base of the fences here; the value that a method returns is told by a takeover's text."""

    def append(self, entries: Sequence[bytes]) -> None:
        for entry in entries:
            told = getattr(self, entry.decode().strip())()
            if told is not None:
                raise TakeoverError(told)
