"""Files that a user names, read whole: whatever is at the path, it costs neither for ever nor all memory."""

from __future__ import annotations

import errno
import os

__all__ = ["TooLargeError", "content"]

_CHUNK_BYTES = 1 << 20


class TooLargeError(OSError):
    """More bytes than anybody needs there."""


def content(path: str, bytes_max: int) -> bytes:
    """All bytes of a file.

    A pipe that somebody writes to (``<(...)`` of a shell) is read to its end; one that nobody
    writes to is empty.

    Args:
        path: of the file.
        bytes_max: more is refused.

    Raises:
        TooLargeError: it is larger.
        OSError: it cannot be read.
        ValueError: the path is none.
    """
    # Without this flag, to open a pipe without a writer would wait for one.
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
