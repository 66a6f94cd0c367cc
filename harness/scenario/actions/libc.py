"""Call functions of the C library that Python lacks, or for which it makes additional calls.

`mmap.mmap` calls fstat and duplicates the descriptor, which would be scheduling points that no C
program has.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
from types import TracebackType

__all__ = ["SharedMapping", "exchange"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_MS_ASYNC = 1
_MAP_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.msync.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def _error(path: str | None = None) -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), path)


def exchange(one: str, other: str) -> None:
    """Exchange two names in one call.

    Raises:
        OSError: a name is missing, or the file system does not support it (EINVAL).
    """
    if not hasattr(_libc, "renameat2"):
        raise OSError(errno.ENOSYS, "renameat2: the C library does not have it", one)
    if _libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) != 0:
        raise _error(one)


class SharedMapping:
    """A writable shared mapping of the beginning of a file.

    Args:
        fd: open for reading and writing; the mapping does not keep it.
        length: bytes, at least 1.
    """

    def __init__(self, fd: int, length: int) -> None:
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        self._length = length
        self._address = _libc.mmap(None, length, protection, mmap.MAP_SHARED, fd, 0)
        if self._address == _MAP_FAILED:
            raise _error()
        self._bytes = memoryview((ctypes.c_char * length).from_address(self._address)).cast("B")

    def store(self, offset: int, data: bytes) -> None:
        """Store a few bytes.

        The kernel copies them out of a socket. The page fault is that of a plain store, but if the
        file was truncated in the meantime the call returns an error instead of raising SIGBUS.

        Raises:
            OSError: EFAULT, the page is no longer part of the file.
        """
        sender, receiver = socket.socketpair()
        with sender, receiver:
            sender.send(data)
            stored = receiver.recv_into(self._bytes[offset : offset + len(data)])
        assert stored == len(data), (stored, len(data))

    def sync(self) -> None:
        """Call msync; asynchronously, because readers see stores without waiting for a disk."""
        if _libc.msync(self._address, self._length, _MS_ASYNC) != 0:
            raise _error()

    def __enter__(self) -> SharedMapping:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bytes.release()
        _libc.munmap(self._address, self._length)
