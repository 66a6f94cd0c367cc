"""The names of the session directory, followed step by step, and the files behind them.

After each step that may have changed a name, `FollowedNames` looks at it and takes in what it stands for
now. It keeps the virtual side of each file and directory: inode number, birth, change and modification time.
A directory that is moved takes along the names below it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Final

from harness.gates.kernel.aliases import Aliases
from harness.gates.kernel.directory_entries import (
    Entry,
    entries_below,
    entry_of,
    moved_names,
    parent_of,
)
from harness.gates.kernel.inode import Inode
from harness.model.program import Filesystem

__all__ = ["FollowedNames"]

_FIRST_INODE: Final = 4096


class FollowedNames:
    """Names of a session directory.

    Args:
        directory: absolute, real path; everything in it belongs to the harness.
        now: virtual clock, nanoseconds.
        is_open: whether a process has a descriptor of a file; asked only where
            descriptors were copied, since otherwise counting will do.

    Attributes:
        names: files, links and directories by their path below the session directory.
        symlinks: those of the names that are links.
        by_ino: files by real inode number.
        directories: directories inside, by real inode number.
        has_tree: a directory was made inside in this schedule.
        tree_changed: something changed that may change where a path leads: a directory or, beside
            one, a link.
        copied: a descriptor was duplicated in this schedule.
    """

    def __init__(self, directory: str, now: Callable[[], int], is_open: Callable[[Inode], bool]) -> None:
        self.directory = directory
        self._now = now
        self._is_open = is_open
        status = os.stat(directory)
        self.device = status.st_dev
        self.directory_ino = status.st_ino
        self._filesystem = Filesystem()
        self._began_ns = 0
        self.names: dict[str, Inode] = {}
        self.by_ino: dict[int, Inode] = {}
        self._forget_names()

    def _forget_names(self) -> None:
        self._count = 0
        self._free_inos: list[int] = []
        self._next_ino = _FIRST_INODE
        self._gone_inos: set[int] = set()
        self.aliases = Aliases()
        #: Returns the stable name of a name.
        self.alias = self.aliases.of
        self._decoded: dict[bytes, str] = {}
        self.directories: dict[int, Inode] = {}
        self.has_tree = self.tree_changed = False
        self.copied = False
        self.names.clear()
        self.by_ino.clear()
        self.symlinks: set[str] = set()
        self.reused = self.reused_really = False
        self.grain_ns = self._filesystem.time_grain_ms * 1_000_000
        self.directory_inode = Inode(-1, self.directory_ino, 2, ".", ".", self.stamp(), is_directory=True)

    def _begin_names(self, filesystem: Filesystem) -> None:
        """Start a schedule in a directory that is empty."""
        self._filesystem = filesystem
        self._began_ns = self._now()
        self._forget_names()

    def decoded(self, raw: bytes) -> str:
        """Return a name of the directory as text."""
        name = self._decoded.get(raw)
        if name is None:
            name = self._decoded[raw] = os.fsdecode(raw)
        return name

    def place_of(self, status: os.stat_result) -> str | None:
        """Return what to put before a name in a directory of the session; None for any other directory."""
        if status.st_dev != self.device:
            return None
        if status.st_ino == self.directory_ino:
            return ""
        inode = self.directories.get(status.st_ino)
        return next((f"{name}/" for name in inode.names), None) if inode is not None else None

    def parent(self, name: str) -> Inode | None:
        """Return the directory that a name is in; None where there is none."""
        above = parent_of(name)
        return self.names.get(above) if above else self.directory_inode

    def stamp(self) -> int:
        """Virtual time as a file system of the wanted grain would stamp it."""
        now = self._now()
        if self._filesystem.clock is not None:
            now += self.ahead_ns()
        return now - now % self.grain_ns if self.grain_ns else now

    def ahead_ns(self) -> int:
        """Return how far the clock of the file system is ahead of virtual time, in nanoseconds."""
        clock = self._filesystem.clock
        return clock.offset_ns(self._now() - self._began_ns) if clock is not None else 0

    def _born(self, name: str, entry: Entry) -> Inode:
        mode, ino = self._filesystem.inode_reuse, entry.ino
        again = False
        if mode == "real":
            told = ino
            again = ino in self._gone_inos
        elif mode == "always" and self._free_inos:
            told = self._free_inos.pop(0)
            again = True
        else:
            told = self._next_ino
            self._next_ino += 1
        self.reused |= again
        self.reused_really |= ino in self._gone_inos
        is_directory = entry.kind == "directory"
        if is_directory:
            self.aliases.of_directory(name)
        alias = self.alias(name) if name else self.aliases.of_nameless()
        inode = Inode(self._count, ino, told, name, alias, self.stamp(), is_directory)
        self._count += 1
        self.by_ino[ino] = inode
        if is_directory:
            self.directories[ino] = inode
            self.has_tree = True
        return inode

    def born_nameless(self, ino: int) -> Inode:
        """Take in a file without a name that a lane has made and has open."""
        return self._born("", Entry(ino, "file"))

    def _unlinked(self, inode: Inode) -> None:
        if not inode.freed and not self._is_held(inode):
            inode.free()
            self._gone_inos.add(inode.ino)
            if inode.virtual_ino not in self._free_inos:
                self._free_inos.append(inode.virtual_ino)
                self._free_inos.sort()

    def _is_held(self, inode: Inode) -> bool:
        return self._is_open(inode) if self.copied else inode.opens > 0

    def closed(self, inode: Inode) -> None:
        """Take in that a descriptor of the file was closed."""
        inode.closed()
        if not inode.names:
            self._unlinked(inode)

    def descriptors_copied(self) -> None:
        """Count descriptors no more, for a task copies one: ask the kernel instead."""
        self.copied = True

    def process_table_changes(self) -> None:
        """Count descriptors no more if any is open: a process that comes or goes copies or closes them."""
        self.copied = self.copied or any(inode.opens > 0 for inode in self.by_ino.values())

    def descriptors_dropped(self) -> None:
        """Free the files that were only open in a process that is gone or has another program."""
        self.process_table_changes()
        for inode in self.by_ino.values():
            if not inode.names and not inode.freed:
                self._unlinked(inode)

    def take_tree_change(self) -> bool:
        """Return whether `tree_changed`, and forget it."""
        changed, self.tree_changed = self.tree_changed, False
        return changed

    def rescan(self) -> bool:
        """Take in the whole directory.

        Returns:
            Whether any name changed.
        """
        found: dict[str, Entry | None] = dict.fromkeys(self.names)
        found.update(entries_below(self.directory))
        return self._take_in(found)

    def recheck(self, *names: str) -> bool:
        """Take in those names of the directory that a step may have changed.

        Returns:
            Whether any of them changed.
        """
        return self._take_in({name: entry_of(self.directory, name) for name in names})

    def _take_in(self, found: Mapping[str, Entry | None]) -> bool:
        """Follow what the directory holds now under some names, None for nothing."""
        changed = self._changed(found)
        if not changed:
            return False
        if (self.directories or _has_directory(changed)) and (moved := self._directories_in(changed)):
            # The content of a directory goes with it, and stays the same files.
            self._follow_directories(moved)
            changed = self._changed(found)
        if changed:
            self._follow(changed)
        return True

    def _changed(self, found: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
        names, symlinks = self.names, self.symlinks
        changed: dict[str, Entry | None] = {}
        for name, entry in found.items():
            old = names.get(name)
            if entry is None:
                if old is not None:
                    changed[name] = None
            elif (
                old is None
                or old.ino != entry.ino
                or old.is_directory != (entry.kind == "directory")
                or (name in symlinks) != (entry.kind == "link")
            ):
                changed[name] = entry
        return changed

    def _directories_in(self, changed: Mapping[str, Entry | None]) -> dict[str, Entry | None]:
        """Return the names that are those of a directory now or were it."""
        return {
            name: entry
            for name, entry in changed.items()
            if (entry is not None and entry.kind == "directory")
            or ((old := self.names.get(name)) is not None and old.is_directory)
        }

    def _follow_directories(self, changed: Mapping[str, Entry | None]) -> None:
        """Follow directories that were made, removed or moved, and move the names below."""
        before = {
            name: inode
            for name in changed
            if (inode := self.names.get(name)) is not None and inode.is_directory
        }
        self._follow(changed)
        for inode in before.values():
            if not inode.names:
                self.directories.pop(inode.ino, None)
        now = {name: min(inode.names, default=None) for name, inode in before.items()}
        moves = [
            (name, to, self.names[name], name in self.symlinks)
            for name, to in moved_names(self.names, now).items()
        ]
        for name, _, inode, _ in moves:
            del self.names[name]
            self.symlinks.discard(name)
            inode.names.discard(name)
        for _, to, inode, is_link in moves:
            if to is not None:
                self.names[to] = inode
                inode.names.add(to)
                if is_link:
                    self.symlinks.add(to)
        for _, _, inode, _ in moves:
            self._rename(inode)

    def _follow(self, changed: Mapping[str, Entry | None]) -> None:
        """Follow names that stand for something else than before; names below them stay as they are."""
        names = self.names
        stamp = self.stamp()
        touched: dict[Inode, None] = {}
        # The files that have a name before anything is moved: in an exchange none is ever without one.
        known = {inode.ino: inode for inode in names.values()}
        for name, entry in changed.items():
            if "/" in name:
                self._parent_changed(name, stamp)
            else:
                self.directory_inode.content_changed(stamp)
            old = names.get(name)
            if old is not None:
                old.names.discard(name)
                touched[old] = None
            is_link = name in self.symlinks
            self.symlinks.discard(name)
            if entry is None:
                names.pop(name, None)
            else:
                inode = known.get(entry.ino)
                if inode is None or inode.is_directory != (entry.kind == "directory"):
                    inode = self._reborn_or_new(name, entry)
                else:
                    inode.names.add(name)
                    touched[inode] = None
                names[name] = inode
                if entry.kind == "link":
                    self.symlinks.add(name)
                    is_link = True
                self.tree_changed |= inode.is_directory
            if self.directories:
                self.tree_changed |= is_link or (old is not None and old.is_directory)
        for inode in touched:
            self._rename(inode)
            inode.metadata_changed(stamp)
            inode.keep_real(None)
            if not inode.names:
                self._unlinked(inode)

    def _parent_changed(self, name: str, stamp: int) -> None:
        parent = self.parent(name)
        if parent is not None:
            parent.content_changed(stamp)
            parent.keep_real(None)

    def _rename(self, inode: Inode) -> None:
        """Call a file by the transcript's name while it has it, else by one that it has or had."""
        aliases = sorted(self.alias(name) for name in inode.names)
        if aliases and (inode.alias not in aliases or "T" in aliases):
            inode.rename("T" if "T" in aliases else aliases[0])

    def _reborn_or_new(self, name: str, entry: Entry) -> Inode:
        held = self.by_ino.get(entry.ino)
        if (
            held is not None
            and held.opens > 0
            and not held.names
            and not held.freed
            and not held.is_directory
        ):
            # Still open and linked back through its descriptor.
            held.names.add(name)
            held.metadata_changed(self.stamp())
            self._rename(held)
            return held
        return self._born(name, entry)


def _has_directory(entries: Mapping[str, Entry | None]) -> bool:
    return any(entry is not None and entry.kind == "directory" for entry in entries.values())
