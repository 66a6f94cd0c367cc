"""Read a transcript once, hash it while it is read, and compare it with contents of the ledger."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from fence.ledger_content import ABSENT, Content, digest, follow, new_hash

__all__ = ["Reading"]

#: A smaller file is read as soon as it is opened, and kept. A larger buffer would cost a memory mapping.
_SMALL = 1 << 16
#: Bytes of a larger file that are read and hashed at a time, so that the hash finds them in a cache.
_PART = 1 << 18


class Reading:
    """The bytes behind a path at one look. Use as a context manager.

    A large file is read in two goes: its first bytes at once, the rest when it is known which contents it
    is compared with. They say of which first bytes a digest is needed, and from where on bytes must be kept.
    So each byte is read once, and only bytes that were appended lately are kept.

    Args:
        fd: of the file, closed at its end; -1 for no file.
        keep: keep all bytes, for `data`.

    Attributes:
        exists: whether there is a file.
        shown: the last content that these bytes were found to be.
    """

    def __init__(self, fd: int, keep: bool) -> None:
        self.exists = True
        self.shown: Content | None = None
        self._fd = fd
        self._keep = keep
        self._digests: dict[int, str] = {}
        self._marks: list[int] = []
        self._size = 0
        self._last = b""
        self._kept = b""
        self._kept_from = 0

    @classmethod
    def at(cls, path: str, keep: bool = False) -> Self:
        """Open a file and read its first bytes.

        Raises:
            OSError: it cannot be opened or read; not if there is none.
        """
        try:
            # With O_NONBLOCK, opening a pipe does not wait for its other end.
            found = cls(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), keep)
        except FileNotFoundError:
            return cls.of(None)
        try:
            found._begin()
        except BaseException:
            found.close()
            raise
        return found

    @classmethod
    def of(cls, data: bytes | None) -> Self:
        """Return a look that found these bytes; None for no file."""
        found = cls(-1, keep=True)
        found.exists = data is not None
        found._take(data or b"")
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    # Findings

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        self.finish()
        return self._size

    @property
    def data(self) -> bytes | None:
        """Return all bytes, which are kept if the file is small or if nothing else was asked before."""
        self._keep = True
        self.finish()
        assert self._kept_from == 0, "the bytes were not kept"
        return self._kept if self.exists else None

    @property
    def content(self) -> Content:
        """Return the content, with its base at the end."""
        self.finish()
        if not self.exists:
            return ABSENT
        return Content.hashed(self._size, self._digest_of_first(self._size), self._last)

    def shows(self, content: Content) -> bool:
        """Return whether these are the bytes of a content."""
        self.finish([content])
        if (self.exists, self._size) != (content.exists, content.size) or not self.begins_with(content):
            return False
        self.shown = content
        return True

    def begins_with(self, content: Content) -> bool:
        """Return whether the first bytes are those of a content; all begin with no file."""
        self.finish([content])
        if not content.exists:
            return True
        if self._size < content.size or self._digest_of_first(content.base) != content.head:
            return False
        if content.size == content.base:
            return True
        return follow("", self._bytes(content.base, content.size)) == (content.lines, content.tail)

    def behind(self, content: Content) -> bytes:
        """Return the bytes behind as many as a content has."""
        self.finish([content])
        return self._bytes(min(content.size, self._size), self._size)

    # Reading

    def finish(self, contents: Iterable[Content] = ()) -> None:
        """Read the rest, unless that was done.

        Args:
            contents: all that the bytes will be compared with.

        Raises:
            OSError: the file cannot be read.
        """
        if self._fd < 0:
            return
        self._marks = sorted({content.base for content in contents})
        self._kept_from = 0 if self._keep else self._marks[0] if self._marks else sys.maxsize
        self._hash = new_hash()
        first, self._size = self._kept, 0
        self._feed(memoryview(first))
        self._kept = self._read_all(first) if self._keep else self._read_on(first)
        self._digests[self._size] = digest(self._hash)
        self.close()

    def _begin(self) -> None:
        parts: list[bytes] = []
        size = 0
        while size < _SMALL:
            part = os.read(self._fd, _SMALL)
            if not part:
                self.close()
                self._take(b"".join(parts))
                return
            parts.append(part)
            size += len(part)
        self._kept = b"".join(parts)

    def _take(self, data: bytes) -> None:
        self._kept, self._size, self._last = data, len(data), data[-1:]

    def _read_on(self, first: bytes) -> bytes:
        kept = [first[self._kept_from :]]
        part = memoryview(bytearray(_PART))
        while length := os.readv(self._fd, [part]):
            begin = self._size
            self._feed(part[:length])
            if self._size > self._kept_from:
                kept.append(bytes(part[max(0, self._kept_from - begin) : length]))
        return b"".join(kept)

    def _read_all(self, first: bytes) -> bytes:
        # Bytes of the right number are returned by getvalue() without a copy.
        whole = io.BytesIO(bytes(max(os.fstat(self._fd).st_size, len(first))))
        with whole.getbuffer() as room:
            room[: len(first)] = first
            while length := os.readv(self._fd, [room[self._size : self._size + _PART]]):
                self._feed(room[self._size : self._size + length])
        whole.seek(self._size)
        whole.truncate()
        while part := os.read(self._fd, _PART):
            self._feed(memoryview(part))
            whole.write(part)
        return whole.getvalue()

    def _feed(self, part: memoryview) -> None:
        """Hash the next bytes, and note the wanted digests on the way."""
        self._last = bytes(part[-1:])
        while self._marks and self._marks[0] <= self._size + len(part):
            mark = self._marks.pop(0)
            self._hash.update(part[: mark - self._size])
            self._digests[mark] = digest(self._hash)
            part, self._size = part[mark - self._size :], mark
        self._hash.update(part)
        self._size += len(part)

    def _digest_of_first(self, size: int) -> str:
        if size not in self._digests:
            assert self._kept_from == 0, "no digest of so many bytes was asked for"
            self._digests[size] = digest(self._kept[:size])
        return self._digests[size]

    def _bytes(self, begin: int, end: int) -> bytes:
        assert begin >= self._kept_from or begin == end, "these bytes were not kept"
        return self._kept[max(0, begin - self._kept_from) : max(0, end - self._kept_from)]
