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
from collections.abc import Callable
from typing import Final

from fence.locks import LockFile
from harness.gates.kernel.followed_names import FollowedNames
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.laid_files import TRANSCRIPT, lay_transcript, make_file
from harness.gates.kernel.stat_appearance import Appearance, appearance_of
from harness.gates.kernel.write_lock import DIRECTORY
from harness.gates.kernel.write_locks import watch
from harness.model.history import Absent, State, digest
from harness.model.program import Program
from harness.system.tree_removal import remove_tree

__all__ = ["VirtualFiles"]

#: A step seldom adds more; a buffer of many pages would cost a mapping of its own.
_SPARE: Final = 4096
_CHUNK: Final = 1 << 20


class VirtualFiles(FollowedNames):
    """Files of a session directory.

    Args:
        directory: absolute, real path; everything in it belongs to the harness.
        locks: the locks to watch; a lane has the write lock while it has all of them.
        now: virtual clock, nanoseconds.
        is_open: whether a process has a descriptor of a file, see `FollowedNames`.
        is_watched: whether a process has an inotify watch on a file.

    Attributes:
        lock: follows which lane has the write lock.
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
        super().__init__(directory, now, is_open)
        self.path = os.path.join(directory, TRANSCRIPT)
        self.prefix = os.fsencode(directory) + b"/"
        self.lock = watch(locks, TRANSCRIPT)
        self._is_watched = is_watched
        self.fine_stamps = _fine_stamps(directory)
        self._forget_content()

    def _forget_content(self) -> None:
        self._states: dict[tuple[str, bytes], State] = {}
        self.blobs: dict[str, bytes] = {}
        self.state: State = Absent
        self.content = b""

    def begin(self, program: Program, left_lock: bytes | None = None) -> State:
        """Empty the directory and lay the initial transcript.

        Args:
            program: of the schedule.
            left_lock: content of a lock file that is there already; None for none.
        """
        for entry in os.scandir(self.directory):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
            elif not remove_tree(entry.path):
                raise OSError(f"{entry.path}: the content that a schedule left there cannot be removed")
        self._begin_names(program.filesystem)
        self._forget_content()
        self.lock.begin()
        for name in lay_transcript(self.directory, program):
            # The file and the link to it are the transcript to each reader of a history.
            self.aliases.set(name, "T")
            # One by one: the order of a directory's entries is not determined.
            self.recheck(name)
        if left_lock is not None:
            make_file(os.path.join(self.directory, self.lock.name), left_lock)
            self.recheck(self.lock.name)
        self.lock.found({**self.names, DIRECTORY: self.directory_inode})
        self.reused = self.reused_really = False
        self.look()
        return self.state

    def appearance(self) -> Appearance | None:
        """Return what stat tells in this schedule where that is not what the files are; else None."""
        laid = frozenset(self.by_ino.values())
        return appearance_of(self._filesystem, self._now, self.ahead_ns, self._is_pinned, laid)

    def _is_pinned(self, inode: Inode) -> bool:
        """Return whether the kernel may not forget a file: it is open, or watched."""
        return self._is_held(inode) or self._is_watched(inode)

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


def _rest_of(fd: int, expected: int) -> bytes | None:
    """Return the content of an open file; None where it is no file but a directory."""
    try:
        content = os.read(fd, expected)
        if len(content) == expected:
            parts = [content]
            while chunk := os.read(fd, _CHUNK):
                parts.append(chunk)
            content = b"".join(parts)
    except IsADirectoryError:
        return None
    return content


def _fine_stamps(directory: str) -> bool:
    """Try it: kernels from 6.13 on give a fresh stamp to a change after a look."""
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
