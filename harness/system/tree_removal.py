"""Remove a directory with all that a lane has put there, and nothing else.

Each directory is opened by its name without following a link, must be on the same mount as the first
one, and is worked on through its descriptor. Links are removed and never followed. Directories come up to
the first one before they are emptied, so that one that is ten thousand deep takes two descriptors.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Identity", "identity_of", "remove_tree"]

_LOOK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ALL = stat.S_IRWXU


class Identity(NamedTuple):
    """The identity of a file, under any name.

    Args:
        device: of its file system.
        inode: number there.
    """

    device: int
    inode: int


def identity_of(path: str) -> Identity | None:
    """Return the identity of a directory; None if there is none, or a link or a file in its place."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return Identity(status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def remove_tree(path: str, identity: Identity | None = None) -> bool:
    """Remove a directory with all its contents, including directories that were made unreadable.

    Args:
        path: of the directory. A link in its place is left alone.
        identity: that it must have; None for any.

    Returns:
        Whether it is gone. A mount inside, and the directories above it, stay.
    """
    where, name = os.path.split(os.path.abspath(path))
    try:
        parent = os.open(where, _READ)
    except OSError:
        return not os.path.lexists(path)
    try:
        root = _Root(parent, name, identity)
        try:
            root.empty()
        finally:
            root.close()
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return not os.path.lexists(path)
    finally:
        os.close(parent)
    return True


class _Root:
    """The directory that is removed, open.

    Args:
        parent: descriptor of the directory that it is in.
        name: in that directory.
        identity: that it must have; None for any.

    Raises:
        OSError: it is gone, no directory, another one, or may not be opened.
    """

    def __init__(self, parent: int, name: str, identity: Identity | None) -> None:
        self._mount = -1
        self._fd = self._opened(parent, name, identity)
        self._device, self._mount = os.fstat(self._fd).st_dev, _mount_of(self._fd)
        self._moved = 0

    def close(self) -> None:
        os.close(self._fd)

    def empty(self) -> None:
        """Remove all entries; those that cannot be removed stay."""
        stuck: set[str] = set()
        while left := [name for name in os.listdir(self._fd) if name not in stuck]:
            for name in left:
                if not (_unlink(self._fd, name) or self._remove(name)):
                    stuck.add(name)

    def _remove(self, name: str) -> bool:
        """Remove a directory of the first level once its own directories have come up there."""
        try:
            fd = self._opened(self._fd, name)
        except OSError:
            return False
        try:
            for inner in os.listdir(fd):
                if not _unlink(fd, inner):
                    # A mount cannot be moved; its neighbours still can.
                    with contextlib.suppress(OSError):
                        self._bring_up(fd, inner)
        finally:
            os.close(fd)
        return _rmdir(self._fd, name)

    def _bring_up(self, fd: int, name: str) -> None:
        if _rmdir(fd, name):
            return
        # Only what may be written to can be moved.
        os.close(self._opened(fd, name))
        while True:
            self._moved += 1
            try:
                os.stat(moved := f".removed-{self._moved}", dir_fd=self._fd, follow_symlinks=False)
            except FileNotFoundError:
                os.rename(name, moved, src_dir_fd=fd, dst_dir_fd=self._fd)
                return

    def _opened(self, parent: int, name: str, identity: Identity | None = None) -> int:
        """Open a directory that is no link and no mount, and make it ours to read and write.

        Raises:
            OSError: it is something else, or gone.
        """
        look = os.open(name, _LOOK, dir_fd=parent)
        try:
            status = os.fstat(look)
            if identity is not None and identity != (status.st_dev, status.st_ino):
                raise OSError(f"{name} is another directory by now")
            if self._mount >= 0 and (status.st_dev, _mount_of(look)) != (self._device, self._mount):
                raise OSError(f"{name} is on another mount")
            if status.st_mode & _ALL != _ALL:
                # By way of the descriptor, which no link can be put in place of.
                os.chmod(f"/proc/self/fd/{look}", _ALL)
            return os.open(".", _READ, dir_fd=look)
        finally:
            os.close(look)


def _unlink(parent: int, name: str) -> bool:
    """Remove a name of anything but a directory; return whether it is gone."""
    return _gone(os.unlink, parent, name)


def _rmdir(parent: int, name: str) -> bool:
    """Remove an empty directory; return whether it is gone."""
    return _gone(os.rmdir, parent, name)


def _gone(remove: Callable[..., None], parent: int, name: str) -> bool:
    try:
        remove(name, dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _mount_of(fd: int) -> int:
    """Return the number of the mount that an open file is on; 0 where the system does not tell."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/self/fdinfo/{fd}", "rb") as info:
        for line in info:
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    return 0
