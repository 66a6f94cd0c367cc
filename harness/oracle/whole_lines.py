"""Find the entries that a transcript's bytes hold in whole lines, and compare lines.

An entry is there if a line that parses carries its id, or lists it among the entries that a compaction
replaced (``compacts``). A torn line holds no entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

__all__ = ["every_id", "has_garbage", "id_of", "keeps", "parse", "places_of", "plain_ids", "tells"]

#: A migration links entries anew.
_LINKS = frozenset({"parentId"})
#: What a store gives an entry that it takes apart.
_HEAD = frozenset({"id", "parentId", "timestamp", "type"})

_Object = dict[str, Any]


class _Line(msgspec.Struct, gc=False):
    id: str = ""
    compacts: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(_Line).decode


def plain_ids(content: bytes) -> set[str]:
    """Return the ids in lines of the usual shape: fast, and never an id that is not there."""
    found: set[str] = set()
    for text in content.split(b"\n"):
        if text:
            try:
                line = _decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            found.add(line.id)
            if line.compacts:
                found.update(line.compacts)
    return found


def every_id(content: bytes) -> set[str]:
    """Return the ids in any whole line at any depth, so that wrapped lines are not missed."""
    found: set[str] = set()
    for text in content.split(b"\n"):
        try:
            _collect(msgspec.json.decode(text), found)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
    return found


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "id" and isinstance(item, str):
                found.add(item)
            elif key == "compacts" and isinstance(item, list):
                found.update(name for name in item if isinstance(name, str))
            else:
                _collect(item, found)
    elif isinstance(value, list):
        for item in value:
            _collect(item, found)


def has_garbage(old: Sequence[bytes], new: Sequence[bytes], ended: bool) -> bool:
    """Return whether a new line is no JSON object, or the last one has no end."""
    if not ended:
        return True
    return any(parse(line) is None for line in (Counter(new) - Counter(old)) if line.strip())


def places_of(lines: Sequence[bytes]) -> dict[str, list[int]]:
    """Return the numbers of the lines by the id that each bears at its top."""
    found: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        name = id_of(line)
        if name:
            found.setdefault(name, []).append(at)
    return found


def id_of(line: bytes) -> str:
    """Return the id that a line bears at its top; empty for none."""
    entry = parse(line)
    name = entry.get("id") if entry else None
    return name if isinstance(name, str) else ""


def parse(line: bytes) -> _Object | None:
    """Return the object in a line; None if there is none."""
    try:
        entry = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def keeps(asked: bytes, found: bytes) -> bool:
    """Return whether a line still says all that an entry said, its links aside."""
    if asked == found:
        return True
    was, now = parse(asked), parse(found)
    return was is not None and now is not None and _says(was, now)


def tells(asked: Sequence[bytes], found: bytes) -> bool:
    """Return whether a line says, at any depth, all that some entries said.

    An entry may stand in another object as it is. A store may also take it apart and give it an id, a type, a
    link and a time of its own; then each other value has to be there, under the name that it had.
    """
    try:
        line = msgspec.json.decode(found)
        entries = [one for one in map(parse, asked) if one is not None]
        objects = list(_objects(line))
        apart = [was for was in entries if not any(_says(was, one) for one in objects)]
        if len(entries) < len(asked) or not all(one.keys() - _HEAD for one in apart):
            return False
        wanted = Counter(
            leaf for one in entries for key in one.keys() - _HEAD for leaf in _leaves(key, one[key])
        )
        return not apart or wanted <= Counter(_leaves("", line))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _leaves(name: str, value: Any) -> Iterator[tuple[str, bool, Any]]:
    """Yield the plain values in a value, each with the name of its field; `True` is not 1."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(name, item)
    else:
        yield name, isinstance(value, bool), value


def _says(was: _Object, now: _Object) -> bool:
    return all(name in now and _same(value, now[name]) for name, value in was.items() if name not in _LINKS)


def _same(one: Any, other: Any) -> bool:
    """Return whether two decoded values are one JSON value.

    Python takes `True` for 1, and JSON does not. It takes 1.0 for 1 as well, and there JSON's encoders agree:
    a program in JavaScript or Go that reads 1.0 writes 1, for both have one type of number.
    """
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(_same(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _objects(value: Any) -> Iterator[_Object]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _objects(item)
