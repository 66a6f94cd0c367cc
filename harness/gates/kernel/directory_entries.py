"""The file, link or directory that the session directory really holds under a name.

Names are paths below the session directory, such as ``lock/pid``.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from harness.gates.kernel.inode import Inode

__all__ = ["Entry", "all_above", "entries_below", "entry_of", "moved_names", "parent_of"]


class Entry(NamedTuple):
    """The thing for which a name stands.

    Args:
        ino: real inode number.
        kind: ``file``, ``link`` or ``directory``.
    """

    ino: int
    kind: str


def entry_of(directory: str, name: str) -> Entry | None:
    """Return what a name stands for; None for nothing.

    Args:
        directory: the session directory.
        name: in it, or below it.
    """
    try:
        status = os.lstat(f"{directory}/{name}")
    except OSError:
        # None is there, or none can be: it is too long, or below a name that is no directory.
        return None
    if stat.S_ISLNK(status.st_mode):
        return Entry(status.st_ino, "link")
    return Entry(status.st_ino, "directory" if stat.S_ISDIR(status.st_mode) else "file")


def entries_below(directory: str, below: str = "") -> Iterator[tuple[str, Entry]]:
    """Yield each name with what it stands for, those of directories inside after the directory's own.

    Args:
        directory: the session directory.
        below: the directory in it to start from, with a slash at the end; empty for itself.
    """
    inside = []
    with os.scandir(f"{directory}/{below}") as entries:
        for entry in entries:
            name = below + entry.name
            if entry.is_symlink():
                yield name, Entry(entry.inode(), "link")
            elif entry.is_dir(follow_symlinks=False):
                yield name, Entry(entry.inode(), "directory")
                inside.append(name + "/")
            else:
                yield name, Entry(entry.inode(), "file")
    for name in sorted(inside):
        yield from entries_below(directory, name)


def parent_of(name: str) -> str:
    """Return the directory that a name is in; empty for the session directory."""
    return name.rpartition("/")[0]


def all_above(name: str) -> list[str]:
    """Return the directories above a name, outermost first, without the session directory."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def moved_names(names: Mapping[str, Inode], moved: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the new name of each name below directories that were moved; None where they are gone.

    Args:
        names: as they were before.
        moved: new name of each such directory by its old one; None for one that is gone.
    """
    found: dict[str, str | None] = {}
    for name in names:
        at = name.rfind("/")
        while at > 0:
            if name[:at] in moved:
                to = moved[name[:at]]
                found[name] = None if to is None else to + name[at:]
                break
            at = name.rfind("/", 0, at)
    return found
