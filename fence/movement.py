"""Was a file changed before it was moved, or only afterwards?

Who has a file open for writing can go on writing to it when `fence.swap` has taken it
aside, where no reader sees it any more. The kernel queues the changes and the moves of
a file in their order (inotify); nothing else tells the two apart.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from types import TracebackType
from typing import Self

__all__ = ["Movement"]

_IN_MODIFY, _IN_MOVE_SELF = 0x2, 0x800
_EVENT = struct.Struct("=iIII")

_libc = ctypes.CDLL(None, use_errno=True)
_init = getattr(_libc, "inotify_init1", None)
_add = getattr(_libc, "inotify_add_watch", None)
_remove = getattr(_libc, "inotify_rm_watch", None)


class _Queue:
    """The process's inotify queue, its events sorted by watch.

    One for all, because the kernel takes some 10 ms to close one and allows a user no
    more than 128. Between two watches there is nothing in it.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._masks: dict[int, list[int]] = {}
        self.pid = os.getpid()

    def watch(self, path: str) -> int:
        """Begin to watch a file; -1 when that cannot be done."""
        assert _add is not None
        with self._lock:
            watch: int = _add(self._fd, os.fsencode(path), _IN_MODIFY | _IN_MOVE_SELF)
            if watch >= 0:
                self._masks[watch] = []
            return watch

    def end(self, watch: int) -> list[int]:
        """What happened to the file, in order; the watch is over."""
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
                # Others are the last words of watches that are over.
                if watch in self._masks:
                    self._masks[watch].append(mask)


_queues: list[_Queue] = []


def _queue() -> _Queue | None:
    """This process's queue; a forked child has to have its own."""
    if _queues and _queues[0].pid == os.getpid():
        return _queues[0]
    if _init is None or _add is None or _remove is None:
        return None
    fd: int = _init(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        return None
    _queues[:] = [_Queue(fd)]
    return _queues[0]


class Movement:
    """Watches one file while it is moved; use it as a context manager.

    Where there is no inotify, nothing is known and the bytes found after the move have
    to do.

    Args:
        path: where the file is now.
    """

    def __init__(self, path: str) -> None:
        self._queue = _queue()
        self._watch = -1 if self._queue is None else self._queue.watch(path)
        self._ino = 0 if self._watch < 0 else _ino(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def which(self, moved_to: str) -> str:
        """Which look shows the file as it was when it was moved; ends the watch.

        Args:
            moved_to: where it is now.

        Returns:
            ``after`` for a look after the move, ``before`` for one between the
            beginning of the watch and the move, ``neither`` when it was changed on
            both sides.
        """
        masks = self._end()
        moves = [place for place, mask in enumerate(masks) if mask & _IN_MOVE_SELF]
        changes = [place for place, mask in enumerate(masks) if mask & _IN_MODIFY]
        # What was moved by others is not what lies there now, unless it is the same file.
        if not moves or not changes or changes[-1] < moves[-1] or _ino(moved_to) != self._ino:
            return "after"
        return "neither" if changes[0] < moves[-1] else "before"

    def _end(self) -> list[int]:
        if self._queue is None or self._watch < 0:
            return []
        watch, self._watch = self._watch, -1
        return self._queue.end(watch)


def _ino(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0
