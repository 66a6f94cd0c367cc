"""Looks at the transcript that leave no trace, and the log that lanes keep of them.

A look reads the bytes and asks for size, inode number and birth time alone: to ask
for a change time makes the kernel give the next write a stamp of its own, and hides
the very collisions under test. `jitter` has the lanes look around each operation that may
write; `trace` makes changes of what they saw.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct

import msgspec

from harness.model.history import Absent, State, digest

__all__ = ["Log", "Names", "Note", "Snapshot", "look"]

_CHUNK = 1 << 20
_AT_EMPTY_PATH = 0x1000
_WANTED = 0x200 | 0x100 | 0x800  # size, inode number, birth time: no change or modification time
_STATX_SIZE = 256
_BIRTH_AT, _INODE_AT = 80, 32
_HANDLE_BYTES = 128  # MAX_HANDLE_SZ

_libc = ctypes.CDLL(None, use_errno=True)
_statx = getattr(_libc, "statx", None)
_handle_of = getattr(_libc, "name_to_handle_at", None)

#: Inode number, birth time, and what else tells a file from one that had its number before.
Identity = tuple[int, int, bytes]


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The content that a reader of the path finds.

    Args:
        identity: of the file; None when there is none.
        content: its bytes.
    """

    identity: Identity | None
    content: bytes = b""


def look(path: str) -> Snapshot:
    """Open, identify, read, close; no file is what cannot be opened and read."""
    try:
        # Without O_NONBLOCK it would wait for the other end, should it have become a pipe.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return Snapshot(None)
    try:
        chunks = []
        while chunk := os.read(fd, _CHUNK):
            chunks.append(chunk)
        return Snapshot(_identify(fd), b"".join(chunks))
    except OSError:
        return Snapshot(None)
    finally:
        os.close(fd)


def _identify(fd: int) -> Identity:
    if _statx is None:
        # Elsewhere than on Linux a stat changes nothing.
        told = os.fstat(fd)
        return told.st_ino, int(getattr(told, "st_birthtime", 0) * 1_000_000_000), b""
    buffer = ctypes.create_string_buffer(_STATX_SIZE)
    if _statx(fd, b"", _AT_EMPTY_PATH, _WANTED, buffer) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    (inode,) = struct.unpack_from("=Q", buffer, _INODE_AT)
    seconds, nanoseconds = struct.unpack_from("=qI", buffer, _BIRTH_AT)
    return int(inode), int(seconds) * 1_000_000_000 + int(nanoseconds), _handle(fd)


def _handle(fd: int) -> bytes:
    """Return the file handle, in which an inode number that is used again has another generation.

    Two files made in one tick of the clock have one birth time, and on ext4 one number too.
    """
    if _handle_of is None:
        return b""
    buffer = ctypes.create_string_buffer(struct.pack("=Ii", _HANDLE_BYTES, 0), 8 + _HANDLE_BYTES)
    mount = ctypes.c_int()
    if _handle_of(fd, b"", buffer, ctypes.byref(mount), _AT_EMPTY_PATH) != 0:
        return b""
    (size,) = struct.unpack_from("=I", buffer)
    return buffer.raw[4 : 8 + size]


class Names:
    """Files by order of appearance, and contents by digest."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.reused = False
        self._files: dict[Identity, str] = {}

    def state(self, identity: Identity | None, mark: str) -> State:
        """Return the state in which a file of that content is seen; its bytes are among `blobs`."""
        if identity is None:
            return Absent
        name = self._files.get(identity)
        if name is None:
            self.reused |= any(identity[0] == known[0] for known in self._files)
            name = self._files[identity] = f"f{len(self._files)}"
        return State(name, mark, len(self.blobs[mark]))

    def of(self, found: Snapshot) -> State:
        """State of a look of our own."""
        mark = digest(found.content)
        self.blobs[mark] = found.content
        return self.state(found.identity, mark)


class Note(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One look in a lane's log.

    Args:
        op: operation of the lane.
        over: whether the look came after the operation.
        identity: of the file; None when there was none.
        mark: digest of the content.
        content: the bytes, the first time that the lane saw them in this schedule.
    """

    op: int
    over: bool
    identity: Identity | None
    mark: str
    content: bytes | None


_LENGTH = struct.Struct("=Q")
_FULL = (1 << 64) - 1
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Note).decode


class Log:
    """Memory in which the lanes of one process keep their looks; outlives the process.

    Args:
        lanes: how many.
        lane_bytes: room for each; pages that are not used cost nothing.
    """

    def __init__(self, lanes: int, lane_bytes: int = 32 << 20) -> None:
        self._size = lane_bytes
        self._map = mmap.mmap(-1, lanes * lane_bytes)
        self._known: list[set[str]] = [set() for _ in range(lanes)]

    def clear(self) -> None:
        """Forget all looks; no lane is at work."""
        for lane in range(len(self._known)):
            _LENGTH.pack_into(self._map, lane * self._size, 0)

    def add(self, lane: int, op: int, over: bool, found: Snapshot) -> None:
        """Keep one look; a log that is full says so and keeps no more."""
        mark = digest(found.content)
        base = lane * self._size
        (used,) = _LENGTH.unpack_from(self._map, base)
        if not used:
            self._known[lane].clear()
        content = None if mark in self._known[lane] else found.content
        record = _encode(Note(op, over, found.identity, mark, content))
        begin = base + _LENGTH.size + used
        if used == _FULL or begin + _LENGTH.size + len(record) > base + self._size:
            _LENGTH.pack_into(self._map, base, _FULL)
            return
        _LENGTH.pack_into(self._map, begin, len(record))
        self._map[begin + _LENGTH.size : begin + _LENGTH.size + len(record)] = record
        self._known[lane].add(mark)
        # Last of all: each counted record is complete, whenever the process dies.
        _LENGTH.pack_into(self._map, base, used + _LENGTH.size + len(record))

    def read(self, lane: int) -> list[Note] | None:
        """All looks of a lane in their order; None when the log was too small."""
        base = lane * self._size
        (used,) = _LENGTH.unpack_from(self._map, base)
        if used == _FULL:
            return None
        notes = []
        at = base + _LENGTH.size
        while at < base + _LENGTH.size + used:
            (length,) = _LENGTH.unpack_from(self._map, at)
            at += _LENGTH.size
            notes.append(_decode(self._map[at : at + length]))
            at += length
        return notes
