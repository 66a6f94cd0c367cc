"""Files of the kernel's from which random numbers are read: a program gets the same ones in every run."""

from __future__ import annotations

import os
import stat
import uuid
from collections.abc import Callable

__all__ = ["RandomFile", "gives_random_numbers", "look_up"]

#: Major and minor numbers of /dev/random and /dev/urandom.
_DEVICES = frozenset({(1, 8), (1, 9)})
_IDENTIFIERS = "/proc/sys/kernel/random/"
_CHANGING, _LASTING = "uuid", "boot_id"
_BYTES_MAX = 1 << 20
#: The machine is the same in all schedules.
_BOOT = bytes(16)


class RandomFile:
    """An open file that gives random bytes, or a random identifier.

    Args:
        name: last part of the identifier's path; empty for a device of bytes.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._left: bytes | None = None

    def read(self, length: int, random: Callable[[int], bytes]) -> bytes:
        """Return what the next read gives.

        Args:
            length: bytes wanted at most.
            random: returns as many random bytes as it is asked for.
        """
        if not self._name:
            return random(min(length, _BYTES_MAX))
        if self._left is None:
            number = _BOOT if self._name == _LASTING else random(len(_BOOT))
            self._left = f"{uuid.UUID(bytes=number, version=4)}\n".encode()
        given, self._left = self._left[:length], self._left[length:]
        return given


def look_up(pid: int, fd: int) -> RandomFile | None:
    """Return the random file behind a descriptor of a process; None for any other file."""
    link = f"/proc/{pid}/fd/{fd}"
    try:
        name = _name_of(link, os.stat(link))
    except OSError:
        return None
    return None if name is None else RandomFile(name)


def gives_random_numbers(link: str, status: os.stat_result) -> bool:
    """Return whether an open file gives random numbers.

    Args:
        link: of its descriptor in /proc.
        status: of the file.
    """
    try:
        return _name_of(link, status) is not None
    except OSError:
        return False


def _name_of(link: str, status: os.stat_result) -> str | None:
    """Return what a `RandomFile` is called; None for any other file."""
    if stat.S_ISCHR(status.st_mode):
        return "" if (os.major(status.st_rdev), os.minor(status.st_rdev)) in _DEVICES else None
    # Files of /proc have no size.
    path = "" if status.st_size or not stat.S_ISREG(status.st_mode) else os.readlink(link)
    name = path.removeprefix(_IDENTIFIERS)
    return name if name in (_CHANGING, _LASTING) and name != path else None
