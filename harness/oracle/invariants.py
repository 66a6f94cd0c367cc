"""Rules that a transcript has to keep, beside what the protocol of fences promises.

An invariant is a function over the transcript's lines: it gets the lines, without their newlines,
and the entries that were acknowledged by then, and returns what is wrong, or nothing.
`broken_invariants` asks it, of the final transcript or after each step that changed it.

Two rules are asked of every history in which a call did more than to append its lines, for every
reader relies on them: `unique_ids` and `unique_ordinals`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from fence.registry import Registry
from harness.model.errors import UsageError

__all__ = [
    "ALWAYS",
    "INVARIANTS",
    "Acknowledged",
    "Check",
    "Invariant",
    "InvariantError",
    "every_line_parses",
    "linear_parents",
    "one_header",
    "unique_ids",
    "unique_ordinals",
]


class Acknowledged(NamedTuple):
    """An entry that a participant was told is stored.

    Attributes:
        id: its id.
        type: its type.
        lane: name of the lane.
        line: what it was to be, without the newline; empty where that is not known.
    """

    id: str
    type: str
    lane: str
    line: bytes


Check = Callable[[Sequence[bytes], Sequence[Acknowledged]], str | Sequence[str] | None]


class Invariant(NamedTuple):
    """A check and when it is asked.

    Attributes:
        name: as the user wrote it.
        check: the function.
        each_step: whether it is asked after each step that changed the transcript.
    """

    name: str
    check: Check
    each_step: bool = False


class InvariantError(Exception):
    """A user's check raised, or returned something else than text."""


def unique_ids(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which id stands on two lines."""
    return _repeated("id", _entries(lines), str)


def unique_ordinals(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which number in the field ``ordinal`` or ``seq`` was given twice."""
    entries = _entries(lines)
    return _repeated("ordinal", entries, int) or _repeated("seq", entries, int)


def linear_parents(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which ``parentId`` names no earlier line, or is the parent of two."""
    seen: set[object] = {None, "root"}
    parents: set[object] = set()
    for entry in _entries(lines):
        parent = entry.get("parentId")
        if parent not in seen:
            return f"entry {entry.get('id')} has the parent {parent}, which no line before it bears"
        if parent is not None and parent in parents:
            return f"entry {entry.get('id')} is the second one with the parent {parent}"
        parents.add(parent)
        seen.add(entry.get("id"))
    return ""


def every_line_parses(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which line is no JSON object."""
    for number, line in enumerate(lines, 1):
        if _parse(line) is None:
            return f"line {number} is no JSON object: {line[:40]!r}"
    return ""


def one_header(lines: Sequence[bytes], acknowledged: Sequence[Acknowledged]) -> str:
    """Say which line is a second header, of type ``session``, or that no line is one."""
    headers = [
        number for number, line in enumerate(lines, 1) if (_parse(line) or {}).get("type") == "session"
    ]
    if len(headers) > 1:
        return f"line {headers[1]} is a second header"
    return "no line is a header" if lines and not headers else ""


def _fault(name: str, found: object) -> str:
    if not callable(found):
        return f"is a {type(found).__name__}, expected a function"
    try:
        inspect.signature(found).bind((), ())
    except (TypeError, ValueError):
        return "does not take the arguments of an invariant: the lines, and the acknowledged entries"
    return ""


#: By the name that a scenario, a fence or the command line gives.
INVARIANTS: Final[Registry[Check]] = Registry(
    "invariant",
    "takeover_harness.invariants",
    {
        "unique_ids": unique_ids,
        "unique_ordinals": unique_ordinals,
        "linear_parents": linear_parents,
        "every_line_parses": every_line_parses,
        "one_header": one_header,
    },
    _fault,
    error=UsageError,
)
ALWAYS: Final = (Invariant("unique_ids", unique_ids), Invariant("unique_ordinals", unique_ordinals))


def _repeated(field: str, entries: Sequence[dict[str, Any]], kind: type) -> str:
    seen: set[object] = set()
    for entry in entries:
        value = entry.get(field)
        if type(value) is not kind:
            continue
        if value in seen:
            return f"two lines have the {field} {value}"
        seen.add(value)
    return ""


def _entries(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    return [entry for entry in map(_parse, lines) if entry is not None]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
