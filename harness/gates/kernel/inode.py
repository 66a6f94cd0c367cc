"""An inode of the session directory, as the lanes are told of it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Inode", "Shown"]


class Shown(NamedTuple):
    """Answers of stat that differ from the file; the names are those of an `Inode`."""

    virtual_ino: int
    btime: int
    ctime: int
    mtime: int


class Inode:
    """One file, from its creation until no lane can reach it.

    Args:
        number: order of appearance in the schedule.
        ino: real inode number.
        virtual_ino: the number that lanes are told.
        name: its first name; empty for none.
        alias: stable name of that name, see `VirtualFiles.alias`.
        now: virtual time of its birth.
        is_directory: whether it is one.

    Attributes:
        names: paths below the session directory; none while it has no name.
        opens: descriptors of it that lanes have.
        freed: no lane can reach it any more.
        real: modification and change time that the file system gave it when a lane last
            changed it, nanoseconds; None when that is not known.
    """

    __slots__ = (
        "alias",
        "btime",
        "ctime",
        "freed",
        "ino",
        "is_directory",
        "mtime",
        "name",
        "names",
        "number",
        "opens",
        "real",
        "virtual_ino",
    )

    def __init__(
        self,
        number: int,
        ino: int,
        virtual_ino: int,
        name: str,
        alias: str,
        now: int,
        is_directory: bool = False,
    ) -> None:
        self.number = number
        self.name = f"f{number}"
        self.ino = ino
        self.virtual_ino = virtual_ino
        self.names = {name} if name else set()
        self.alias = alias
        self.is_directory = is_directory
        self.btime = self.ctime = self.mtime = now
        self.opens = 0
        self.freed = False
        self.real: tuple[int, int] | None = None

    def opened(self) -> None:
        """Count one more descriptor."""
        self.opens += 1

    def closed(self) -> None:
        """Count one descriptor less."""
        self.opens -= 1

    def free(self) -> None:
        """Mark it as out of reach."""
        self.freed = True

    def rename(self, alias: str) -> None:
        """Call it by another stable name."""
        self.alias = alias

    def content_changed(self, stamp: int) -> None:
        """Stamp a change of its bytes."""
        self.mtime = self.ctime = stamp

    def metadata_changed(self, stamp: int) -> None:
        """Stamp a change of its metadata."""
        self.ctime = stamp

    def copied_up(self, stamp: int) -> None:
        """Stamp that an overlay has made a copy of it in its upper layer."""
        self.btime = self.ctime = stamp

    def set_mtime(self, stamp: int) -> None:
        """Set the modification time that a lane asked for."""
        self.mtime = stamp

    def keep_real(self, real: tuple[int, int] | None) -> None:
        """Remember its real modification and change time; None forgets them."""
        self.real = real
