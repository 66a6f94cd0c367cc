"""Open, read and make files for the actions, with one system call for each step where possible."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["make", "opened", "read", "read_path"]

_CHUNK = 1 << 16
_MODE = 0o600


@contextlib.contextmanager
def opened(path: str, flags: int) -> Iterator[int]:
    """Open a file and close it on exit."""
    fd = os.open(path, flags, _MODE)
    try:
        yield fd
    finally:
        os.close(fd)


def read(fd: int) -> bytes:
    """Return the whole file, independent of the file offset; a short read marks its end."""
    content = b""
    while chunk := os.pread(fd, _CHUNK, len(content)):
        content += chunk
        if len(chunk) < _CHUNK:
            break
    return content


def read_path(path: str) -> bytes:
    """Return the whole file: open, read, close."""
    with opened(path, os.O_RDONLY) as fd:
        return read(fd)


def make(path: str, content: bytes) -> None:
    """Make or truncate a file and write `content` with one write: open, write, close."""
    with opened(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as fd:
        os.write(fd, content)
