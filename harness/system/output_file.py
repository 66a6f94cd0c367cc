"""Write files that a user names: a regular file whole or not at all, anything else as a stream.

A regular file is replaced by a rename. What exists and is none (a FIFO, a character device, a descriptor
of this process such as ``/dev/stdout``) is written to and never replaced; what is no place to write text
to (a folder, a socket, a block device, a symbolic link to a file) is refused. Opening never waits, and
waiting for a reader ends with the user's interrupt.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import select
import stat

from harness.model.errors import StoreError
from harness.system import interrupts

__all__ = ["OutputFile", "append_to", "is_temporary", "wait_until_writable", "write_whole"]

_NAME_BYTES_MAX = 255
_DESCRIPTORS = "/proc/self/fd"
_LINKS_MAX = 40
_TOKEN_BYTES = 8
_TEMPORARY = re.compile(rf".*\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}\.tmp", re.DOTALL)
#: A pipe that is ready takes so much without waiting.
_CHUNK_BYTES = select.PIPE_BUF
_SLICE_S = 0.1
#: How long a reader that takes nothing is waited for after the user has asked to stop.
_LAST_S = 1.0
_STREAM_FLAGS = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_REFUSED = {
    stat.S_IFDIR: "is a folder",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFBLK: "is a block device",
}


class OutputFile:
    """A place to write to; a context manager.

    Args:
        path: as the user gave it.

    Attributes:
        is_stream: whether it takes one text after the other; else each `write` replaces the file.

    Raises:
        StoreError: nothing can be written there.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor = -1
        try:
            self._descriptor = _stream(path)
        except OSError as error:
            raise _unwritable(path, error) from error
        except ValueError as error:
            raise StoreError(f"{path!r}: is no path: {error}; give another") from error
        self.is_stream = self._descriptor >= 0

    def write(self, data: bytes) -> None:
        """Write a whole content.

        Raises:
            StoreError: it could not be written; a regular file of that name is unchanged.
        """
        try:
            if self.is_stream:
                _send(self._descriptor, data)
            else:
                _replace(self.path, data)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Let go of a stream."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_whole(path: str, data: bytes) -> None:
    """Write a file so that it is whole or absent at any time; write to it if it is no regular file.

    Raises:
        StoreError: it could not be written; an earlier file of that name is unchanged.
    """
    with OutputFile(path) as file:
        file.write(data)


def is_temporary(name: str) -> bool:
    """Return whether the name of a file is that of one which was not finished."""
    return _TEMPORARY.fullmatch(name) is not None


def append_to(path: str, data: bytes) -> None:
    """Add to the end of a file, which is made if it does not exist.

    Raises:
        StoreError: it could not be written.
    """
    try:
        descriptor = os.open(path, _STREAM_FLAGS | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            _send(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unwritable(path, error) from error


def wait_until_writable(descriptor: int) -> bool:
    """Wait until a stream takes up to 4,096 bytes at once.

    Returns:
        Whether it does: False when its reader takes nothing and the user has asked to stop.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    waited_s = 0.0
    while not poll.poll(_SLICE_S * 1000):
        waited_s = waited_s + _SLICE_S if interrupts.asked() else 0.0
        if waited_s >= _LAST_S:
            return False
    return True


def _unwritable(path: str, error: OSError) -> StoreError:
    if error.errno == errno.ENXIO:
        return StoreError(f"{path}: cannot be written: no process reads this FIFO; start its reader first")
    if error.errno == errno.ELOOP:
        return StoreError(f"{path}: cannot be written: {error.strerror}; give the file that it leads to")
    if error.errno == errno.EINVAL:
        return StoreError(f"{path}: cannot be written: {error.strerror}; give another")
    return StoreError(
        f"{path}: cannot be written: {error.strerror}; free some space there or give another --out"
    )


def _stream(path: str) -> int:
    """Return a descriptor of what is no regular file; -1 where a file can be made or replaced.

    Raises:
        OSError: nothing can be written there.
    """
    inherited = _inherited(path)
    if inherited >= 0:
        return os.dup(inherited)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return -1
    if stat.S_ISREG(mode):
        return -1
    if stat.S_ISLNK(mode):
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(path).st_mode
        if stat.S_ISREG(mode) or stat.S_ISLNK(mode):
            raise OSError(errno.ELOOP, "a symbolic link")
    what = _REFUSED.get(stat.S_IFMT(mode))
    if what is not None:
        raise OSError(errno.EINVAL, what)
    descriptor = os.open(path, _STREAM_FLAGS)
    if stat.S_IFMT(os.fstat(descriptor).st_mode) not in (stat.S_IFCHR, stat.S_IFIFO):
        os.close(descriptor)
        raise OSError(errno.EAGAIN, "was exchanged meanwhile")
    return descriptor


def _inherited(path: str) -> int:
    """Return the descriptor of this process that a path names, as ``/dev/stdout`` does; else -1."""
    ours = f"/proc/{os.getpid()}/fd"
    for _ in range(_LINKS_MAX):
        folder, name = os.path.split(path)
        if name.isdecimal() and os.path.realpath(folder) == ours:
            return int(name)
        if not os.path.islink(path):
            break
        path = os.path.join(folder, os.readlink(path))
    return -1


def _send(descriptor: int, data: bytes) -> None:
    """Write all of it, in pieces that a reader which takes nothing cannot hold up.

    Raises:
        OSError: it could not be written, or the user gave up on the reader.
    """
    left = memoryview(data)
    while left:
        if not wait_until_writable(descriptor):
            raise OSError(errno.EINTR, "interrupted, and its reader takes nothing")
        with contextlib.suppress(BlockingIOError):
            left = left[os.write(descriptor, left[:_CHUNK_BYTES]) :]


def _replace(path: str, data: bytes) -> None:
    """Make a file and give it a name when it is whole.

    Raises:
        OSError: it cannot be made; an earlier file of that name is unchanged.
    """
    folder, name = os.path.split(path)
    suffix = f".{secrets.token_hex(_TOKEN_BYTES)}.tmp"
    short = os.fsdecode(os.fsencode(name)[: _NAME_BYTES_MAX - len(suffix)])
    temporary = os.path.join(folder, short + suffix)
    try:
        descriptor, named = _made(folder, temporary)
        try:
            with contextlib.suppress(OSError):
                # A file that others may not read stays so.
                os.fchmod(descriptor, stat.S_IMODE(os.lstat(path).st_mode) & 0o777)
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            if not named:
                # With a folder's descriptor, which goes unused, Python calls linkat and follows the link.
                os.link(f"{_DESCRIPTORS}/{descriptor}", temporary, src_dir_fd=descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _made(folder: str, temporary: str) -> tuple[int, bool]:
    """Return the descriptor of a new file, and whether it has its name already.

    A file without a name is not left behind by a kill; not every file system has them.
    """
    flags = os.O_WRONLY | os.O_CLOEXEC
    if os.path.isdir(_DESCRIPTORS):
        with contextlib.suppress(OSError):
            return os.open(folder or ".", flags | os.O_TMPFILE, 0o666), False
    return os.open(temporary, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), True
