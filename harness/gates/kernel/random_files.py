"""Files of the kernel's whose content differs from run to run: random numbers, and times.

A program gets the same random numbers in every run; `proc_files` answers reads of what tells time.
"""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Callable

__all__ = ["RandomFile", "is_answered", "look_up", "tells_time"]

#: Major and minor numbers of /dev/random and /dev/urandom.
_DEVICES = frozenset({(1, 8), (1, 9)})
_IDENTIFIERS = "/proc/sys/kernel/random/"
_CHANGING, _LASTING = "uuid", "boot_id"
_BYTES_MAX = 1 << 20
_TIMES = re.compile(r"/proc/(?:uptime|loadavg|stat|meminfo|\d+/(?:task/\d+/)?(?:stat|status|statm))\Z").match
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


def is_answered(link: str, status: os.stat_result) -> bool:
    """Return whether reads of an open file are answered by us: it gives random numbers, or tells time.

    Args:
        link: of its descriptor in /proc.
        status: of the file.
    """
    try:
        return _name_of(link, status) is not None or tells_time(link, status)
    except OSError:
        return False


def tells_time(link: str, status: os.stat_result) -> bool:
    """Return whether an open file is one of /proc that tells time; the arguments are those of `is_answered`.

    Raises:
        OSError: the process has no such descriptor any more.
    """
    return _is_of_proc(status) and _TIMES(os.readlink(link)) is not None


def _is_of_proc(status: os.stat_result) -> bool:
    """Return whether a file may be one of /proc, which have no size."""
    return not status.st_size and stat.S_ISREG(status.st_mode)


def _name_of(link: str, status: os.stat_result) -> str | None:
    """Return what a `RandomFile` is called; None for any other file."""
    if stat.S_ISCHR(status.st_mode):
        return "" if (os.major(status.st_rdev), os.minor(status.st_rdev)) in _DEVICES else None
    path = os.readlink(link) if _is_of_proc(status) else ""
    name = path.removeprefix(_IDENTIFIERS)
    return name if name in (_CHANGING, _LASTING) and name != path else None
