"""Read and write a transcript: the file operations that all fences share.

Each function makes as few system calls as possible, because another process may change the file
between any two of them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

__all__ = [
    "append_lines",
    "follow_links",
    "read_all",
    "read_fd",
    "rewrite_by_rename",
    "rewrite_in_place",
    "write_all",
]

#: A larger buffer would cost a memory mapping for each read.
_CHUNK = 1 << 16
#: Links that the kernel follows in one path.
_LINKS_MAX = 40


def read_fd(fd: int) -> bytes:
    """Return all bytes from an open descriptor, from its position on."""
    chunks = []
    while chunk := os.read(fd, _CHUNK):
        chunks.append(chunk)
    return b"".join(chunks)


def read_all(path: str) -> bytes:
    """Return the file's bytes; empty if there is no file.

    Raises:
        OSError: anything but a missing file.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return read_fd(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all data, also after short writes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def append_lines(path: str, entries: Sequence[bytes]) -> None:
    """Append whole lines with one write; make the file if there is none."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, b"".join(entries))
    finally:
        os.close(fd)


def rewrite_in_place(path: str, lines: Sequence[bytes]) -> None:
    """Truncate the file and write `lines` into it: the same file, new bytes."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, b"".join(lines))
    finally:
        os.close(fd)


def follow_links(path: str) -> str:
    """Return the path of the file to which a path leads; it is no symbolic link, and may not exist.

    A rename over a symbolic link replaces the link, and the file that it leads to keeps its bytes. A
    writer that other programs know by that file has to rename over this path.

    Raises:
        OSError: the links lead in a circle, or one of them cannot be read.
    """
    for _ in range(_LINKS_MAX + 1):
        try:
            target = os.readlink(path)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return path
            raise
        path = os.path.join(os.path.dirname(path), target)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def rewrite_by_rename(path: str, lines: Sequence[bytes]) -> None:
    """Write a temporary file beside the file and rename it over: a new file; a symbolic link stays."""
    path = follow_links(path)
    temporary = f"{path}.rewrite.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, b"".join(lines))
    finally:
        os.close(fd)
    os.rename(temporary, path)
