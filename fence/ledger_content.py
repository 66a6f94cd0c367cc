"""Describe a transcript's content so that an append extends it without the bytes.

The digest of the whole file could only be extended after reading the file. So a content has two parts: a
digest of all bytes up to its *base*, made by one hash over them, and a chain over the lines behind the
base. An append adds its own lines to the chain. A lane that has read the whole file, and found it equal,
may move the base to the end.
"""

from __future__ import annotations

import dataclasses

from blake3 import blake3

__all__ = ["ABSENT", "Content", "digest", "follow", "new_hash"]

#: Names the format of the ledger: a digest that another format made is none of this one.
_KEY = b"takeover-harness ledger format 2"
_DIGEST_BYTES = 16


def new_hash() -> blake3:
    """Return a hash without any bytes yet; `digest` of it is that of the bytes that it is fed."""
    return blake3(key=_KEY)


def digest(data: bytes | blake3) -> str:
    """Return the digest of some bytes, or of the bytes that a hash was fed: 32 hexadecimal digits."""
    fed = blake3(data, key=_KEY) if isinstance(data, bytes) else data
    return fed.digest(_DIGEST_BYTES).hex()


def follow(lines: str, data: bytes) -> tuple[str, str]:
    """Follow a chain over more bytes, which begin a line.

    Args:
        lines: the chain over the lines before them; empty at the base.
        data: the bytes.

    Returns:
        The chain over all lines that end in a newline, and the digest of the unfinished last line, empty
        if there is none.
    """
    *whole, last = data.split(b"\n")
    for line in whole:
        lines = digest((lines + digest(line)).encode())
    return lines, digest(last) if last else ""


@dataclasses.dataclass(frozen=True)
class Content:
    """A transcript's content. Two that differ may be of the same bytes, with another base.

    Args:
        exists: whether there is a file.
        size: bytes.
        base: number of first bytes that `head` is of.
        head: digest of these bytes.
        lines: chain over all lines behind the base that end in a newline; empty if there is none.
        tail: digest of the part of an unfinished last line behind the base, which may be none of its bytes;
            empty if the last line is finished.
    """

    exists: bool
    size: int
    base: int
    head: str
    lines: str
    tail: str

    @property
    def fields(self) -> tuple[bool, int, int, str, str, str]:
        """Return the arguments that make this content again."""
        return self.exists, self.size, self.base, self.head, self.lines, self.tail

    @staticmethod
    def of(data: bytes | None) -> Content:
        """Return the content of a file, with its base at the end; of a missing file for None."""
        return ABSENT if data is None else Content.hashed(len(data), digest(data), data[-1:])

    @staticmethod
    def hashed(size: int, head: str, last: bytes) -> Content:
        """Return the content of a file whose bytes are hashed already.

        Args:
            size: bytes of the file.
            head: their digest.
            last: the last byte; nothing of an empty file.
        """
        return Content(True, size, size, head, "", digest(b"") if last not in (b"", b"\n") else "")

    def plus(self, data: bytes) -> Content:
        """Return this content with `data` appended, which must first finish an unfinished line."""
        if not self.size:
            return Content.of(data)
        if not data:
            return self
        lines, rest = self.lines, data
        if self.tail:
            assert data.startswith(b"\n"), "appended onto a torn line"
            lines, rest = digest((lines + self.tail).encode()), data[1:]
        lines, tail = follow(lines, rest)
        return Content(True, self.size + len(data), self.base, self.head, lines, tail)


ABSENT = Content(False, 0, 0, "", "", "")
