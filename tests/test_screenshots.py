"""The pictures in docs/ are there, small, and shown by the README."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from tests.screenshots import BYTES_MAX, DOCS, PICTURES, ROOT, shrunk


@pytest.mark.parametrize("name", [picture.name for picture in PICTURES])
def test_each_picture_is_small_and_linked(name: str) -> None:
    file = DOCS / f"{name}.png"
    assert 10_000 < file.stat().st_size < BYTES_MAX
    assert f"docs/{name}.png" in (ROOT / "README.md").read_text()


def test_no_other_picture_is_in_docs() -> None:
    assert {file.stem for file in DOCS.glob("*.png")} == {picture.name for picture in PICTURES}


@pytest.mark.parametrize("kind", range(5))
def test_a_picture_of_few_colours_stays_as_it_is(kind: int) -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (7, 8, 9)]
    wanted = [[colours[(x + y) % 4] for x in range(5)] for y in range(4)]
    small = shrunk(_png(wanted, kind))
    palette = small[small.index(b"PLTE") + 4 :]
    at = small.index(b"IDAT")
    (length,) = struct.unpack(">I", small[at - 4 : at])
    rows = zlib.decompress(small[at + 4 : at + 4 + length])
    found = [[tuple(palette[3 * i : 3 * i + 3]) for i in rows[y * 6 + 1 : y * 6 + 6]] for y in range(4)]
    assert found == wanted


def _png(rows: list[list[tuple[int, int, int]]], kind: int) -> bytes:
    """An RGB picture, filtered as asked."""
    raw, above = b"", bytes(15)
    for row in rows:
        line = b"".join(map(bytes, row))
        raw += bytes([kind]) + bytes((line[at] - _guess(kind, line, above, at)) & 255 for at in range(15))
        above = line
    head = struct.pack(">IIBBBBB", 5, 4, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def _guess(kind: int, line: bytes, above: bytes, at: int) -> int:
    left, corner = (line[at - 3], above[at - 3]) if at > 2 else (0, 0)
    sums = left + above[at] - corner
    nearest = min((left, above[at], corner), key=lambda one: abs(sums - one))
    return (0, left, above[at], (left + above[at]) // 2, nearest)[kind]


def test_the_command_that_makes_them_is_in_the_makefile() -> None:
    assert "-m tests.screenshots" in Path(ROOT / "Makefile").read_text()
