"""Read files that a user names: never block forever, never use unbounded memory."""

from __future__ import annotations

import errno
import os

__all__ = ["TooLargeError", "content"]

_CHUNK_BYTES = 1 << 20


class TooLargeError(OSError):
    """The file has more bytes than allowed."""


def content(path: str, bytes_max: int) -> bytes:
    """Return all bytes of a file.

    A pipe with a writer (``<(...)`` of a shell) is read to its end; a pipe without a writer is
    empty.

    Args:
        path: path of the file.
        bytes_max: largest accepted size.

    Raises:
        TooLargeError: the file is larger.
        OSError: it cannot be read.
        ValueError: the path is invalid.
    """
    # Without O_NONBLOCK, opening a pipe without a writer would block.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.set_blocking(descriptor, True)
        chunks: list[bytes] = []
        left = bytes_max
        while chunk := os.read(descriptor, _CHUNK_BYTES):
            chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise TooLargeError(errno.EFBIG, f"larger than {bytes_max} bytes")
    finally:
        os.close(descriptor)
    return b"".join(chunks)
