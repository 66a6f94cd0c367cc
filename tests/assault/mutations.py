"""Break files and command lines in ways that no writer of them would: bytes, tokens, structure."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

__all__ = ["broken_arguments", "broken_bytes", "broken_data", "broken_lines"]

_TOKEN = re.compile(rb"[A-Za-z0-9_.+-]+|[^\sA-Za-z0-9]")
_NUMBER = re.compile(rb"-?[0-9]+")
#: Texts in place of a token.
_TOKENS = (
    *(b"0", b"-1", b"1000000000000000000", b"9223372036854775807", b"18446744073709551616", b"1e400"),
    *(b".nan", b"-.inf", b"0x7fffffffffffffff", b"1.5", b"1" * 5000, b"true", b"null", b"~", b"''", b"on"),
    *(b"[]", b"{}", b"[0, 1000000000000000000]", b"[5, 1]", b"{a: {b: [c]}}", b"&a [*a]", b"*a", b"!!python"),
    *(b"? [k]: v", b"<<: {a: 1}", b"---", b"\t", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b]0;x\x07"),
    *("\u202e".encode(), b'"\\ud800"', b"|", b"'", b'"', b"#", b"%", b"@", b"`", b"x" * 70_000),
)
_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        10**18,
        2**63 - 1,
        -(2**63),
        2**64 - 1,
        1.5,
        1e308,
        -0.0,
        "",
        "x" * 70_000,
    ),
    *(
        "\x1b[2J",
        "\u202e",
        "T",
        "runner",
        "../../..",
        "/",
        "exec:false",
        "no.py:Fence",
        [],
        {},
        [[]],
        [0, 10**18],
    ),
    *([5, 1], [-1, -1, 0], {"a": {"b": []}}, [1, 2, 3], ["sh", "-c", "true"], ["\x00"], [{}], {"": ""}),
)
_DEEP = 10_000
_MANY = 5_000


def _flipped(data: bytes, rng: random.Random, _: bytes) -> bytes:
    changed = bytearray(data)
    for _i in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random, _: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randint(1, 400) :]


def _ended(data: bytes, rng: random.Random, _: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _doubled(data: bytes, rng: random.Random, _: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[: start + rng.randint(1, 400)] + data[start:]


def _spliced(data: bytes, rng: random.Random, other: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _token(data: bytes, rng: random.Random, other: bytes) -> bytes:
    found = _tokens(data, rng)
    if found is None:
        return data
    start, stop = found
    given = _tokens(other, rng)
    text = rng.choice(_TOKENS) if given is None or rng.random() < 0.6 else other[slice(*given)]
    return data[:start] + text + data[stop:]


def _tokens(data: bytes, rng: random.Random) -> tuple[int, int] | None:
    """Return start and end of some token, near a random place."""
    found = _TOKEN.search(data, rng.randrange(len(data) + 1))
    return None if found is None else found.span()


def _number(data: bytes, rng: random.Random, _: bytes) -> bytes:
    found = _NUMBER.search(data, rng.randrange(len(data) + 1)) or _NUMBER.search(data)
    if found is None:
        return data
    return data[: found.start()] + rng.choice(_TOKENS[:16]) + data[found.end() :]


def _line_moved(data: bytes, rng: random.Random, _: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    if lines:
        line = lines.pop(rng.randrange(len(lines)))
        for _i in range(rng.choice((0, 1, 2))):
            lines.insert(rng.randint(0, len(lines)), line)
    return b"".join(lines)


def _deepened(data: bytes, rng: random.Random, _: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    opening = rng.choice((b"[", b"{a: ", b'{"a":', b"- ", b"? ", b"[{"))
    return data[:at] + opening * _DEEP + data[at:]


def _repeated(data: bytes, rng: random.Random, _: bytes) -> bytes:
    at = data.find(b"\n", rng.randrange(len(data) + 1)) + 1
    key = rng.choice((b"about: x\n", b"  a: 1\n", b"lanes: []\n", b"x%d: 1\n"))
    lines = (key % number if b"%d" in key else key for number in range(_MANY))
    return data[:at] + b"".join(lines) + data[at:]


_MANNERS: Sequence[Callable[[bytes, random.Random, bytes], bytes]] = (
    *(_flipped, _flipped, _cut, _ended, _doubled, _spliced, _token, _token, _token, _token),
    *(_number, _number, _number, _line_moved, _line_moved),
)
#: They make large files; one in so many is of these.
_LARGE = (_deepened, _repeated)
_LARGE_EVERY = 40


def broken_bytes(data: bytes, rng: random.Random, other: bytes) -> bytes:
    """Return a file with one to three things wrong.

    Args:
        data: a good file.
        rng: draws what is wrong.
        other: another good file, to take parts from.
    """
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(_MANNERS)(data, rng, other)
    if rng.randrange(_LARGE_EVERY) == 0:
        data = rng.choice(_LARGE)(data, rng, other)
    return data


def broken_data(data: Any, rng: random.Random) -> Any:
    """Return plain data (dicts, lists, numbers, strings) with one to three parts exchanged."""
    whole = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        holder: Any = None
        place: Any = None
        at = whole
        while isinstance(at, dict | list) and at and (holder is None or rng.random() < 0.9):
            holder, place = at, rng.choice(list(at)) if isinstance(at, dict) else rng.randrange(len(at))
            at = at[place]
        if holder is None:
            return rng.choice(_VALUES)
        _exchange(holder, place, rng)
    return whole


def _exchange(holder: Any, place: Any, rng: random.Random) -> None:
    manner = rng.randrange(6)
    value = holder[place]
    if manner == 0:
        del holder[place]
    elif manner == 1 and isinstance(holder, list):
        holder.insert(rng.randint(0, len(holder)), copy.deepcopy(value))
    elif manner == 1:
        holder[rng.choice(("x", "", "lane", "name", "count"))] = copy.deepcopy(value)
    elif manner == 2 and type(value) is int:
        # More than 64 bits cannot be written down.
        other_value = value + rng.choice((-1, 1, 2, 10, 1000, 10**18))
        holder[place] = max(-(2**63), min(other_value, 2**64 - 1))
    elif manner == 3:
        other = rng.choice(list(holder.values()) if isinstance(holder, dict) else holder)
        holder[place] = copy.deepcopy(other)
    else:
        holder[place] = copy.deepcopy(rng.choice(_VALUES))


def broken_lines(data: bytes, rng: random.Random) -> bytes:
    """Return a file of JSON Lines with some lines exchanged in their structure, moved or removed."""
    lines = data.splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines)) if rng.random() < 0.8 else 0
        lines[at] = msgspec.json.encode(broken_data(msgspec.json.decode(lines[at]), rng))
        if rng.random() < 0.2:
            lines.insert(rng.randint(0, len(lines)), lines.pop(rng.randrange(len(lines))))
    return b"\n".join(lines) + b"\n"


def broken_arguments(words: Sequence[str], rng: random.Random, others: Sequence[Sequence[str]]) -> list[str]:
    """Return a command line with one to three words wrong."""
    found = list(words)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randint(0, len(found))
        manner = rng.randrange(6)
        if manner == 0 and at < len(found):
            del found[at]
        elif manner == 1:
            found.insert(at, rng.choice(rng.choice(others)))
        elif manner == 2 and at < len(found):
            found[at] = rng.choice(rng.choice(others))
        elif manner == 3 and at < len(found):
            text = _flipped(found[at].encode(errors="surrogateescape"), rng, b"")
            found[at] = text.replace(b"\0", b"").decode(errors="surrogateescape")
        elif manner == 4 and at < len(found):
            text = rng.choice(_TOKENS).replace(b"\0", b"")
            found[at] = text.decode(errors="surrogateescape")
        else:
            found.insert(
                at, rng.choice(("--", "-", "-h", "--json", "", "=", "--out=", "--seed=x", "@x", "*"))
            )
    return found
