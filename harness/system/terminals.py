"""Pseudo-terminals for programs, opened from outside the walls.

Where the session has a mount namespace of its own, its terminals are too: they are numbered from 0, and
none of the machine's has a name there.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import termios
from typing import NamedTuple

__all__ = ["COLUMNS", "FOLDER", "ROWS", "TerminalPair", "mount", "open_pair", "why_not"]

ROWS, COLUMNS = 24, 80

FOLDER = "/dev/pts"
#: TIOCSPTLCK and TIOCGPTPEER of asm-generic/ioctls.h.
_LOCK, _PEER = 0x40045431, 0x5441
#: MS_RDONLY, MS_NOSUID and MS_NOEXEC.
_HARMLESS = 1 | 2 | 8
_SIZE = struct.Struct("=4H")
_NUMBER = struct.Struct("=i")


class TerminalPair(NamedTuple):
    """The two ends of a pseudo-terminal, as descriptors that are closed by exec.

    Attributes:
        master: bytes written to it are typed; bytes read from it were shown. It does not block.
        slave: the terminal.
    """

    master: int
    slave: int

    def close(self) -> None:
        """Close both ends."""
        os.close(self.master)
        os.close(self.slave)


def mount() -> int | None:
    """Give the calling thread's mount namespace terminals of its own.

    Returns:
        A descriptor of their folder; None where this machine or user cannot have one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    kind = b"devpts"
    if libc.mount(kind, FOLDER.encode(), kind, _HARMLESS, b"mode=0600,ptmxmode=0600") != 0:
        return None
    return os.open(FOLDER, os.O_PATH | os.O_CLOEXEC)


def open_pair(folder: int | None) -> TerminalPair:
    """Open a pseudo-terminal of `ROWS` lines and `COLUMNS` columns.

    Args:
        folder: as `mount` returns it; None for the machine's own terminals.

    Raises:
        OSError: the machine has no more.
    """
    path = "/dev/ptmx" if folder is None else "ptmx"
    master = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        fcntl.ioctl(master, _LOCK, _NUMBER.pack(0))
        fcntl.ioctl(master, termios.TIOCSWINSZ, _SIZE.pack(ROWS, COLUMNS, 0, 0))
        slave = fcntl.ioctl(master, _PEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except BaseException:
        os.close(master)
        raise
    return TerminalPair(master, slave)


def why_not() -> str:
    """Return why programs cannot have a terminal here; empty where they can."""
    try:
        open_pair(None).close()
    except OSError as error:
        return f"/dev/ptmx: {error.strerror}; mount devpts on /dev/pts, or allow a container to have it"
    return ""
