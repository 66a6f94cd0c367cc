"""Takes the pictures in docs/: three real runs, as they look in a browser.

    make screenshots

The seeds are fixed, so that a reader can see again what the pictures show.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from tests import browser

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
_WIDTH, _HEIGHT_MAX = 1120, 1740
_COLOURS = 256
BYTES_MAX = 200_000


class Picture(NamedTuple):
    """A run, and the way to look at it."""

    name: str
    scenario: str
    fence: str
    dark: bool


PICTURES = (
    Picture("report-pass", "quickstart", "ledger", False),
    Picture("report-false-positive", "quickstart", "stat-2026.5.17", False),
    Picture("report-missed-takeover", "write-before-baseline", "pr-84046", True),
)


def take(picture: Picture) -> int:
    """Run it and take its picture; the size in bytes."""
    # Paths on the page should hold wherever the repository is.
    out = Path("results") / "runs" / picture.name
    python = os.path.relpath(sys.executable, ROOT)
    command = [python, "-m", "harness", "run", f"scenarios/{picture.scenario}.yaml", "--fence", picture.fence]
    subprocess.run([*command, "--schedules", "500", "--out", str(out)], cwd=ROOT, check=True, timeout=600)
    page = ROOT / out / "report.html"
    (look,) = browser.layout([(page.read_text(), _WIDTH)])
    assert not look["wrong"], look["wrong"]
    file = DOCS / f"{picture.name}.png"
    browser.picture(page, file, _WIDTH, min(look["height"], _HEIGHT_MAX), picture.dark)
    file.write_bytes(shrunk(file.read_bytes()))
    return file.stat().st_size


def shrunk(png: bytes) -> bytes:
    """The same picture in its 256 most frequent colours; others become the nearest of them."""
    width, height, pixels = _pixels(png)
    counts = Counter(pixels)
    palette = [colour for colour, _ in counts.most_common(_COLOURS)]
    places = {colour: at for at, colour in enumerate(palette)}
    for colour in counts:
        if colour not in places:
            places[colour] = min(
                range(len(palette)),
                key=lambda at: sum((a - b) ** 2 for a, b in zip(palette[at], colour, strict=True)),
            )
    flat = bytes(map(places.__getitem__, pixels))
    rows = b"".join(b"\0" + flat[at * width : (at + 1) * width] for at in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = b"".join(map(bytes, palette))
    parts = ((b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return png[:8] + b"".join(_chunk(*part) for part in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pixels(png: bytes) -> tuple[int, int, list[tuple[int, int, int]]]:
    """Width, height and colours of a PNG as the browser writes it: 8 bits, RGB or RGBA, not interlaced."""
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", png[16:29])
    assert (depth, rest) == (8, [0, 0, 0]), (depth, kind, rest)
    size = {2: 3, 6: 4}[kind]
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + length] if name == b"IDAT" else b""
        at += length + 12
    raw, stride = zlib.decompress(data), width * size
    pixels: list[tuple[int, int, int]] = []
    above = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], line, above, size)
        pixels += zip(line[0::size], line[1::size], line[2::size], strict=True)
        above = line
    return width, height, pixels


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    """Undo one of PNG's five filters in place."""
    for at in range(len(line)):
        left = line[at - size] if at >= size else 0
        corner = above[at - size] if at >= size else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = above[at]
        elif kind == 3:
            guess = (left + above[at]) // 2
        elif kind == 4:
            sums = left + above[at] - corner
            guess = min((left, above[at], corner), key=lambda one: abs(sums - one))
        else:
            return
        line[at] = (line[at] + guess) & 255


def main() -> None:
    """Take all of them."""
    DOCS.mkdir(exist_ok=True)
    for picture in PICTURES:
        size = take(picture)
        assert size < BYTES_MAX, (picture.name, size)
        print(f"docs/{picture.name}.png: {size} bytes")


if __name__ == "__main__":
    main()
