"""Check whether a renamed file was changed after the rename.

A process that has a file open for writing can write to it even after `fence.atomic_replace` has moved it
aside, where no reader sees it. inotify queues changes and renames of a file in their order, and is the
only source of that order.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import threading
from types import TracebackType
from typing import Self

__all__ = ["RenameCheck"]

_IN_MODIFY, _IN_MOVE_SELF = 0x2, 0x800
_NO_FILE, _NO_WATCH = -1, -2
_EVENT = struct.Struct("=iIII")

_libc = ctypes.CDLL(None, use_errno=True)
_init = getattr(_libc, "inotify_init1", None)
_add = getattr(_libc, "inotify_add_watch", None)
_remove = getattr(_libc, "inotify_rm_watch", None)


class _Queue:
    """The process's inotify queue, with events sorted by watch.

    All checks share one queue, because the kernel takes some 10 ms to close one and limits a user to
    128. Between two watches it is empty.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._masks: dict[int, list[int]] = {}
        self.pid = os.getpid()

    def watch(self, path: str) -> int:
        """Begin to watch a file; return `_NO_FILE` if there is none, `_NO_WATCH` if the kernel refuses."""
        assert _add is not None
        with self._lock:
            ctypes.set_errno(0)
            watch: int = _add(self._fd, os.fsencode(path), _IN_MODIFY | _IN_MOVE_SELF)
            if watch < 0:
                return _NO_FILE if ctypes.get_errno() == errno.ENOENT else _NO_WATCH
            self._masks[watch] = []
            return watch

    def end(self, watch: int) -> list[int]:
        """End a watch and return the file's events in order."""
        assert _remove is not None
        with self._lock:
            self._drain()
            _remove(self._fd, watch)
            return self._masks.pop(watch)

    def _drain(self) -> None:
        while True:
            try:
                events = os.read(self._fd, 1 << 16)
            except BlockingIOError:
                return
            at = 0
            while at < len(events):
                watch, mask, _, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                # Other events belong to watches that have ended.
                if watch in self._masks:
                    self._masks[watch].append(mask)


_queues: list[_Queue] = []


def _queue() -> _Queue | None:
    """Return this process's queue; a forked child needs its own."""
    if _queues and _queues[0].pid == os.getpid():
        return _queues[0]
    if _init is None or _add is None or _remove is None:
        return None
    fd: int = _init(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        return None
    _queues[:] = [_Queue(fd)]
    return _queues[0]


class RenameCheck:
    """Watches one file while it is renamed; use it as a context manager.

    Without inotify nothing is known, and the file is assumed to be unchanged.

    Args:
        path: path of the file before the rename.
    """

    def __init__(self, path: str) -> None:
        self._queue = _queue()
        self._watch = _NO_WATCH if self._queue is None else self._queue.watch(path)
        self._unknown = self._watch == _NO_WATCH
        self._ino = _ino(path) if self._watch >= 0 else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def is_unchanged(self, moved_to: str) -> bool:
        """Return whether the file is unchanged since the rename; end the watch.

        Args:
            moved_to: path of the file after the rename.

        Returns:
            False if it was changed after the rename, or if the file at that path is not the watched
            one.
        """
        masks = self._end()
        ino = _ino(moved_to)
        if self._unknown or not ino:
            return True
        moves = [place for place, mask in enumerate(masks) if mask & _IN_MOVE_SELF]
        if not moves or ino != self._ino:
            return False
        return not any(mask & _IN_MODIFY for mask in masks[moves[-1] :])

    def _end(self) -> list[int]:
        if self._queue is None or self._watch < 0:
            return []
        watch, self._watch = self._watch, _NO_FILE
        return self._queue.end(watch)


def _ino(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
