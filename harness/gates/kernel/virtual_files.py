"""The session directory as it really is, and as lanes see it.

One `VirtualFiles` follows the files of one schedule. After each step that may have
changed something it looks at the directory and at the transcript's bytes: that
look is what the history records. It also keeps the virtual side of each file
(inode number, birth, change and modification time), from which `stat` and
`statx` are answered, so that a history depends neither on the kernel's clock
nor on its allocator.

The looks here read bytes and directory entries. Real time stamps are never
shown to a lane, so looking cannot disturb what a fence sees.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Mapping

from fence.locks import LockFile
from fence.transcript import write_all
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.stat_appearance import Appearance, appearance_of
from harness.gates.kernel.write_locks import watch
from harness.model.history import Absent, State, digest
from harness.model.program import Filesystem, Program

__all__ = ["LINKED", "TRANSCRIPT", "VirtualFiles", "lay_transcript"]

TRANSCRIPT = "transcript.jsonl"
#: The file's name where the transcript's path is a symbolic link.
LINKED = "linked.jsonl"

_FIRST_INODE = 4096
#: What a name stands for: inode number, and whether that is a symlink.
_Entry = tuple[int, bool]
#: A step seldom adds more; a buffer of many pages would cost a mapping of its own.
_SPARE = 4096
_CHUNK = 1 << 20
_PLAIN = re.compile(r"[a-z.\-]+\Z")


class VirtualFiles:
    """Files of a session directory.

    Args:
        directory: absolute, real path; everything in it belongs to the harness.
        locks: the locks to watch; a lane has the write lock while it has all of them.
        now: virtual clock, nanoseconds.
        is_open: whether a process has a descriptor of a file; asked only where
            descriptors were copied, since otherwise counting will do.
        is_watched: whether a process has an inotify watch on a file.

    Attributes:
        lock: follows which lane has the write lock.
        copied: a descriptor was duplicated in this schedule.
        fine_stamps: a change after a look always shows in the real time stamps.
    """

    def __init__(
        self,
        directory: str,
        locks: tuple[LockFile, ...],
        now: Callable[[], int],
        is_open: Callable[[Inode], bool],
        is_watched: Callable[[Inode], bool] = lambda inode: False,
    ) -> None:
        self.directory = directory
        self.path = os.path.join(directory, TRANSCRIPT)
        self.prefix = os.fsencode(directory) + b"/"
        self.lock = watch(locks, TRANSCRIPT)
        self._now = now
        self._is_open = is_open
        self._is_watched = is_watched
        self.fine_stamps = _fine_stamps(directory)
        status = os.stat(directory)
        self.device = status.st_dev
        self.directory_ino = status.st_ino
        self._filesystem = Filesystem()
        self.names: dict[str, Inode] = {}
        self.by_ino: dict[int, Inode] = {}
        self.content = b""
        self.state: State = Absent
        self.blobs: dict[str, bytes] = {}
        self.reused = False
        self.reused_really = False
        self._reset()

    def _reset(self) -> None:
        self._count = 0
        self._free_inos: list[int] = []
        self._next_ino = _FIRST_INODE
        self._gone_inos: set[int] = set()
        self._aliases: dict[str, str] = {TRANSCRIPT: "T", ".": "."}
        self._decoded: dict[bytes, str] = {}
        self._strange = 0
        self.copied = False
        self._states: dict[tuple[str, bytes], State] = {}
        self.names.clear()
        self.by_ino.clear()
        self.blobs = {}
        self.state, self.content = Absent, b""
        self.symlinks: set[str] = set()
        self.lock.begin()
        self.reused = self.reused_really = False
        self.grain_ns = 0
        self.directory_inode = Inode(-1, self.directory_ino, 2, ".", ".", 0)

    def begin(self, program: Program, left_lock: bytes | None = None) -> State:
        """Empty the directory and lay the initial transcript.

        Args:
            program: of the schedule.
            left_lock: content of a lock file that is there already; None for none.
        """
        for entry in os.scandir(self.directory):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)
        self._reset()
        self._filesystem = program.filesystem
        self.grain_ns = program.filesystem.time_grain_ms * 1_000_000
        self.directory_inode = Inode(-1, self.directory_ino, 2, ".", ".", self.stamp())
        laid = lay_transcript(self.directory, program)
        # The file and the link to it are the transcript to whatever reads a history.
        self._aliases.update(dict.fromkeys(laid, "T"))
        for name in laid:
            # One by one: the order of a directory's entries is not determined.
            self.recheck(name)
        if left_lock is not None:
            _make(os.path.join(self.directory, self.lock.name), left_lock)
            self.recheck(self.lock.name)
        self.lock.found(self.names)
        self.reused = self.reused_really = False
        self.look()
        return self.state

    # Names

    def decoded(self, raw: bytes) -> str:
        """Return a name of the directory as text."""
        name = self._decoded.get(raw)
        if name is None:
            name = self._decoded[raw] = os.fsdecode(raw)
        return name

    def alias(self, name: str) -> str:
        """Stable name of a directory entry: ``T`` for the transcript, ``T.x`` for a sidecar."""
        known = self._aliases.get(name)
        if known is None:
            suffix = name[len(TRANSCRIPT) :] if name.startswith(TRANSCRIPT) else None
            if suffix and _PLAIN.match(suffix):
                known = "T" + suffix
            else:
                self._strange += 1
                known = f"tmp{self._strange}"
            self._aliases[name] = known
        return known

    def stamp(self) -> int:
        """Virtual time as a file system of the wanted grain would stamp it."""
        now = self._now()
        return now - now % self.grain_ns if self.grain_ns else now

    def _born(self, name: str, ino: int) -> Inode:
        mode = self._filesystem.inode_reuse
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
        inode = Inode(self._count, ino, told, name, self.alias(name), self.stamp())
        self._count += 1
        self.by_ino[ino] = inode
        return inode

    def _unlinked(self, inode: Inode) -> None:
        if not inode.freed and not self._is_held(inode):
            inode.free()
            self._gone_inos.add(inode.ino)
            if inode.virtual_ino not in self._free_inos:
                self._free_inos.append(inode.virtual_ino)
                self._free_inos.sort()

    def appearance(self) -> Appearance | None:
        """Return what stat tells in this schedule where that is not what the files are; else None."""
        laid = frozenset(self.by_ino.values())
        return appearance_of(self._filesystem, self._now, self._is_pinned, laid)

    def _is_pinned(self, inode: Inode) -> bool:
        """Return whether the kernel may not forget a file: it is open, or watched."""
        return self._is_held(inode) or self._is_watched(inode)

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

    def rescan(self) -> bool:
        """Take in the whole directory.

        Returns:
            Whether any name changed.
        """
        found: dict[str, _Entry | None] = dict.fromkeys(self.names)
        with os.scandir(self.directory) as entries:
            for entry in entries:
                found[entry.name] = (entry.inode(), entry.is_symlink())
        return self._take_in(found)

    def recheck(self, *names: str) -> bool:
        """Take in those names of the directory that a step may have changed.

        Returns:
            Whether any of them changed.
        """
        found: dict[str, _Entry | None] = {}
        for name in names:
            try:
                status = os.lstat(f"{self.directory}/{name}")
            except FileNotFoundError:
                found[name] = None
            else:
                found[name] = (status.st_ino, stat.S_ISLNK(status.st_mode))
        return self._take_in(found)

    def _take_in(self, found: Mapping[str, _Entry | None]) -> bool:
        """Follow what the directory holds now under some names, None for nothing."""
        names = self.names
        changed = {}
        for name, entry in found.items():
            old = names.get(name)
            if entry != (None if old is None else (old.ino, name in self.symlinks)):
                changed[name] = entry
        if not changed:
            return False
        stamp = self.stamp()
        self.directory_inode.content_changed(stamp)
        touched: dict[Inode, None] = {}
        # The files that have a name before anything is moved: in an exchange none is ever without one.
        known = {inode.ino: inode for inode in names.values()}
        for name, entry in changed.items():
            old = names.get(name)
            if old is not None:
                old.names.discard(name)
                touched[old] = None
            self.symlinks.discard(name)
            if entry is None:
                names.pop(name, None)
                continue
            inode = known.get(entry[0])
            if inode is None:
                inode = self._reborn_or_new(name, entry[0])
            else:
                inode.names.add(name)
                touched[inode] = None
            names[name] = inode
            if entry[1]:
                self.symlinks.add(name)
        for inode in touched:
            self._rename(inode)
            inode.metadata_changed(stamp)
            inode.keep_real(None)
            if not inode.names:
                self._unlinked(inode)
        return True

    def _rename(self, inode: Inode) -> None:
        """Call a file by the transcript's name while it has it, else by one that it has or had."""
        aliases = sorted(self.alias(name) for name in inode.names)
        if aliases and (inode.alias not in aliases or "T" in aliases):
            inode.rename("T" if "T" in aliases else aliases[0])

    def _reborn_or_new(self, name: str, ino: int) -> Inode:
        held = self.by_ino.get(ino)
        if held is not None and held.opens > 0 and not held.names and not held.freed:
            # Still open and linked back through its descriptor.
            held.names.add(name)
            return held
        return self._born(name, ino)

    # The transcript

    def look(self) -> bool:
        """Read the transcript as any reader would.

        Returns:
            Whether a reader sees something else than before.
        """
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            changed = self.state is not Absent
            self.state, self.content = Absent, b""
            return changed
        try:
            content = _rest_of(fd, len(self.content) + _SPARE)
            if content is None:
                changed = self.state is not Absent
                self.state, self.content = Absent, b""
                return changed
            inode = self.names.get(TRANSCRIPT)
            if inode is None or TRANSCRIPT in self.symlinks:
                inode = self.by_ino.get(os.fstat(fd).st_ino)
        finally:
            os.close(fd)
        name = inode.name if inode is not None else "outside"
        if self.state.file == name and self.content == content:
            return False
        self.content = content
        key = (name, content)
        state = self._states.get(key)
        if state is None:
            mark = digest(content)
            self.blobs[mark] = content
            state = self._states[key] = State(name, mark, len(content))
        changed = state is not self.state
        self.state = state
        return changed


def lay_transcript(directory: str, program: Program) -> tuple[str, ...]:
    """Make the transcript before the first step; return the names that it has, the file's first."""
    content = "".join(f"{entry.line}\n" for entry in program.initial).encode()
    name = LINKED if program.symlink else TRANSCRIPT
    _make(os.path.join(directory, name), content)
    if not program.symlink:
        return (TRANSCRIPT,)
    os.symlink(LINKED, os.path.join(directory, TRANSCRIPT))
    return LINKED, TRANSCRIPT


def _make(path: str, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, content)
    finally:
        os.close(fd)


def _rest_of(fd: int, expected: int) -> bytes | None:
    """Return the content of an open file; None where it is no file but a directory."""
    try:
        content = os.read(fd, expected)
        if len(content) == expected:
            while chunk := os.read(fd, _CHUNK):
                content += chunk
    except IsADirectoryError:
        return None
    return content


def _fine_stamps(directory: str) -> bool:
    """Try it: kernels from 6.13 on give a fresh stamp to whatever follows a look."""
    path = os.path.join(directory, ".stamps")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(5):
            before = os.fstat(fd).st_mtime_ns
            os.write(fd, b"x")
            if os.fstat(fd).st_mtime_ns == before:
                return False
        return True
    finally:
        os.close(fd)
        os.unlink(path)
