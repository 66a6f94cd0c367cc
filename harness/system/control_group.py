"""The memory limit of this process's control group, and how often it was enforced by a kill.

Works with either version of control groups, and inside a container, which sees a part of the tree.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["MemoryLimit", "memory_limit", "oom_kills"]

_MOUNTS, _GROUPS = "/proc/self/mountinfo", "/proc/self/cgroup"
#: Names of the files: the limit, and the events with a line ``oom_kill COUNT``.
_FILES = {
    "cgroup2": ("memory.max", "memory.events"),
    "cgroup": ("memory.limit_in_bytes", "memory.oom_control"),
}
#: Version 1 says a number near to 2^63 where there is no limit.
_UNLIMITED = 1 << 60


class MemoryLimit(NamedTuple):
    """The smallest limit of a control group and those around it.

    Args:
        most_bytes: memory that its processes may use together.
        path: file that holds the limit.
    """

    most_bytes: int
    path: str


class _Place(NamedTuple):
    """The place of a control group: its mount, its directory, and the version's files."""

    mount: str
    directory: str
    limit: str
    events: str


def memory_limit() -> MemoryLimit | None:
    """Return the limit that holds for this process; None if there is none, or if it is not known."""
    found = [limit for place in _places() for limit in _limits(place)]
    return min(found, default=None)


def oom_kills() -> int:
    """Return how many processes of this control group the kernel has killed for want of memory."""
    return sum(_kills(os.path.join(place.directory, place.events)) for place in _places())


def _limits(place: _Place) -> Iterator[MemoryLimit]:
    directory = place.directory
    while True:
        path = os.path.join(directory, place.limit)
        with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
            # "max" is no number.
            most = int(file.read())
            if most < _UNLIMITED:
                yield MemoryLimit(most, path)
        if directory == place.mount or not directory.startswith(place.mount):
            return
        directory = os.path.dirname(directory)


def _kills(path: str) -> int:
    with contextlib.suppress(OSError, ValueError), open(path, encoding="ascii") as file:
        for line in file:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def _places() -> list[_Place]:
    """Return the directories of this process's control group, one for each version that manages memory."""
    groups = {}
    with contextlib.suppress(OSError, ValueError), open(_GROUPS, encoding="utf-8", errors="replace") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if not controllers or "memory" in controllers.split(","):
                groups["cgroup" if controllers else "cgroup2"] = path
    places = []
    with contextlib.suppress(OSError, ValueError), open(_MOUNTS, encoding="utf-8", errors="replace") as file:
        for line in file:
            seen, _, kind = line.rstrip("\n").partition(" - ")
            name, _, options = kind.split(" ", 2)
            if name not in groups or (name == "cgroup" and "memory" not in options.split(" ")[-1].split(",")):
                continue
            root, mount = seen.split(" ")[3:5]
            inside = os.path.relpath(groups[name], root)
            # Outside of what is mounted here: the mount itself is as near as one can come.
            known = not inside.startswith("..")
            directory = os.path.normpath(os.path.join(mount, inside)) if known else mount
            places.append(_Place(mount, directory, *_FILES[name]))
    return places
