"""What an external fence's adapter said last, when its process hangs: lines and standard error."""

from __future__ import annotations

import contextlib
import os

import psutil

from fence.external.adapter import STDERR, tail_of
from harness.board import Board

__all__ = ["last_words"]


def last_words(pid: int, board: Board) -> str:
    """What there is to read; empty where the fence is not external.

    Args:
        pid: of the worker.
        board: shared with it.
    """
    words = [board.last_words()]
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children():
            path = f"/proc/{child.pid}/fd/2"
            with contextlib.suppress(OSError):
                if STDERR in os.readlink(path):
                    words.append(f"standard error: {_tail(path)}")
    return "; ".join(filter(None, words))


def _tail(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return tail_of(fd) or "empty"
    finally:
        os.close(fd)
