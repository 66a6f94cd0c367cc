"""Replace a transcript without destroying bytes unseen; the sound fences of the tests share this."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from fence.atomic_replace import exchange
from fence.rename_check import RenameCheck
from fence.transcript import follow_links, read_fd, write_all

__all__ = ["Replacement", "is_torn", "open_for_append", "read", "replace", "unlink"]


def read(path: str) -> bytes | None:
    """Return the bytes behind a path; None if there is no file."""
    try:
        # With O_NONBLOCK, opening a pipe does not wait for its other end.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return read_fd(fd)
    finally:
        os.close(fd)


def unlink(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def open_for_append(path: str) -> tuple[int, bool]:
    """Return a descriptor of the file, and whether the file was there before."""
    appending = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    while True:
        # Other processes may make and remove the file between two attempts.
        with contextlib.suppress(FileNotFoundError):
            return os.open(path, appending), True
        with contextlib.suppress(FileExistsError):
            # A link that leads nowhere counts as existing.
            return os.open(follow_links(path), appending | os.O_CREAT | os.O_EXCL, 0o600), False


def is_torn(fd: int) -> bool:
    """Return whether a file ends in an unfinished line."""
    try:
        os.lseek(fd, -1, os.SEEK_END)
    except OSError:
        return False
    # An empty read: the file was cut after the seek, and its end is not known to be torn.
    return os.read(fd, 1) not in (b"", b"\n")


class Replacement:
    """A replaced transcript.

    Args:
        replaced: the bytes that were replaced; None for a missing file.
        known: whether they are certain; else a process wrote to the file after its exchange.
        undone: whether the old file is back, because its bytes were not the loaded ones.
        back: whether the new bytes are aside again, so that nothing was rewritten.
    """

    def __init__(self, replaced: bytes | None, known: bool, undone: bool, back: bool) -> None:
        self.replaced = replaced
        self.known = known
        self.undone = undone
        self.back = back


def replace(
    path: str,
    data: bytes,
    loaded: tuple[bytes | None] | None,
    intend: Callable[[str], None] = lambda aside: None,
) -> tuple[Replacement, str]:
    """Exchange the transcript with a new file, and undo that if it would destroy foreign bytes.

    Args:
        path: of the transcript; a symbolic link is followed.
        data: the new bytes.
        loaded: the bytes that may be replaced; None for any.
        intend: called right before the exchange with the path where the old file will be.

    Returns:
        The outcome of it, and the path of the file aside, which the caller removes.
    """
    file = follow_links(path)
    aside = f"{file}.replaced.tmp"
    fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)
    with RenameCheck(file) as check:
        intend(aside)
        exchange(aside, file)
        replaced = read(aside)
        known = check.is_unchanged(aside)
    if loaded is None or (known and replaced == loaded[0]):
        return Replacement(replaced, known, undone=False, back=False), aside
    if replaced is None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(file, aside)
    else:
        exchange(aside, file)
    return Replacement(replaced, known, undone=True, back=read(aside) == data), aside
