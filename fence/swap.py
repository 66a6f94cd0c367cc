"""Putting a file in another's place so that what was there stays at hand.

A plain rename over a path destroys what it replaces unseen. Here it is exchanged:
afterwards the replaced file lies under the newcomer's old name and can be looked at.
`Movement` tells what it held at that moment, because who had it open for writing can
go on writing to it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from types import TracebackType
from typing import Self

__all__ = ["Movement", "exchange"]

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)

_IN_MODIFY, _IN_MOVE_SELF = 0x2, 0x800
_EVENT = struct.Struct("=iIII")

_libc = ctypes.CDLL(None, use_errno=True)
_renameat2 = getattr(_libc, "renameat2", None)
_inotify_init = getattr(_libc, "inotify_init1", None)
_inotify_add = getattr(_libc, "inotify_add_watch", None)


def exchange(new: str, path: str) -> None:
    """Put the file `new` at `path`; what was at `path` is under the name `new` then.

    Where nothing was at `path`, nothing is left at `new`. Without renameat2 (macOS,
    network file systems) a hard link keeps the old file; then a file that somebody
    renames over the path between the two calls is lost.

    Raises:
        OSError: as rename.
    """
    while True:
        number = _rename(new, path, _EXCHANGE)
        if number == errno.ENOENT:
            # Nothing to exchange with, unless somebody is quicker than the next call.
            number = _rename(new, path, _NOREPLACE)
            if number == errno.EEXIST:
                continue
        if number in _UNSUPPORTED:
            _by_link(new, path)
        elif number:
            raise OSError(number, os.strerror(number), path)
        return


def _rename(new: str, path: str, flags: int) -> int:
    if _renameat2 is None:
        return errno.ENOSYS
    failed = _renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(path), flags)
    return ctypes.get_errno() if failed else 0


def _by_link(new: str, path: str) -> None:
    kept = f"{new}.kept"
    try:
        os.link(path, kept)
    except FileNotFoundError:
        os.rename(new, path)
        return
    os.rename(new, path)
    os.rename(kept, new)


class Movement:
    """Watches one file: was it changed before it was moved, or only afterwards?

    The kernel queues a file's changes and moves in their order (inotify). Where there
    is no inotify, nothing is known and the bytes found after the move have to do.

    Args:
        path: where the file is now.
    """

    def __init__(self, path: str) -> None:
        self._fd = -1
        self._ino = 0
        if _inotify_init is None or _inotify_add is None:
            return
        fd: int = _inotify_init(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            return
        if _inotify_add(fd, os.fsencode(path), _IN_MODIFY | _IN_MOVE_SELF) < 0:
            os.close(fd)
            return
        self._fd = fd
        self._ino = _ino(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def which(self, moved_to: str) -> str:
        """Which look shows the file as it was when it was moved.

        Args:
            moved_to: where it is now.

        Returns:
            ``after`` for a look after the move, ``before`` for one between the
            beginning of the watch and the move, ``neither`` when it was changed on
            both sides.
        """
        before, after = self._changes()
        if not after or _ino(moved_to) != self._ino:
            return "after"
        return "neither" if before else "before"

    def _changes(self) -> tuple[bool, bool]:
        if self._fd < 0:
            return False, False
        try:
            queue = os.read(self._fd, 1 << 16)
        except BlockingIOError:
            return False, False
        masks = []
        at = 0
        while at < len(queue):
            _, mask, _, length = _EVENT.unpack_from(queue, at)
            masks.append(mask)
            at += _EVENT.size + length
        moves = [place for place, mask in enumerate(masks) if mask & _IN_MOVE_SELF]
        if not moves:
            return False, False
        last = moves[-1]
        changes = [place for place, mask in enumerate(masks) if mask & _IN_MODIFY]
        return any(place < last for place in changes), any(place > last for place in changes)


def _ino(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
