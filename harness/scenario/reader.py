"""Read YAML text into plain data that remembers the position of every part.

PyYAML reads YAML 1.1; only its parser is used here, whose events have all the needed information and
cannot expand into huge data. Plain scalars follow the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/, chapter 10.3): ``on`` and ``12:30`` are text, ``1e3`` is a number, ``010``
is ten. Features that make a scenario hard to read or to point into (tags, anchors, merge keys,
duplicate keys) are faults.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from harness.model.errors import Fault

__all__ = ["Document", "Path", "Position", "read", "spell"]

#: Place in a document: keys and indices from the top.
Path = tuple[str | int, ...]
#: 1-based line and column.
Position = tuple[int, int]

_DEPTH_MAX: Final = 20
_DIGITS_MAX: Final = 18

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclasses.dataclass
class Document:
    """The data of a text, with positions.

    Args:
        file: as the user named it.
        data: dicts, lists, numbers, strings; None where nothing could be read.
        values: position of each value.
        keys: position of each key of a mapping.
        faults: faults of the text itself.
        unread: places whose value is unknown because of such a fault.
    """

    file: str
    data: Any = None
    values: dict[Path, Position] = dataclasses.field(default_factory=dict)
    keys: dict[Path, Position] = dataclasses.field(default_factory=dict)
    faults: list[Fault] = dataclasses.field(default_factory=list)
    unread: set[Path] = dataclasses.field(default_factory=set)

    def fault(self, position: Position, path: Path, message: str) -> None:
        """Add a fault at a place."""
        self.faults.append(Fault(self.file, *position, spell(path), message))

    def is_unread(self, path: Path) -> bool:
        """Return whether the value at a place, or a mapping or list around it, could not be read."""
        return any(path[:length] in self.unread for length in range(len(path) + 1))


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def spell(path: Path) -> str:
    """Return a place as users write it, e.g. ``lanes[1].rate``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{part!r}]"
    return text


def read(file: str, text: str) -> Document:
    """Read a text.

    Args:
        file: as the user named it, for the faults.
        text: the whole file, decoded.

    Returns:
        The data and its positions. With a syntax error the data is None.
    """
    document = Document(file)
    try:
        document.data = _Builder(document, text).whole()
    except ReaderError as error:
        before = text[: error.position]
        position = (before.count("\n") + 1, error.position - before.rfind("\n"))
        document.fault(position, (), f"character {text[error.position]!a} is not allowed in YAML; remove it")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        document.fault(
            (mark.line + 1, mark.column + 1), (), _explain(error, text[mark.index : mark.index + 1])
        )
    except _RefusedError as error:
        document.fault(error.position, (), error.message)
    return document


def _explain(error: yaml.MarkedYAMLError, character: str) -> str:
    if character == "\t":
        return "a tab cannot stand here; indent with spaces"
    problem = ", ".join(str(part) for part in (error.context, error.problem) if part)
    return f"not YAML: {problem}; check indentation, quotes and brackets near here"


class _RefusedError(Exception):
    """The text is well-formed YAML, but reading cannot go on from here."""

    def __init__(self, event: Event, message: str) -> None:
        super().__init__(message)
        self.position = _position(event)
        self.message = message


def _position(event: Event) -> Position:
    mark = event.start_mark
    assert mark is not None
    return mark.line + 1, mark.column + 1


class _Builder:
    """Builds data from events and records positions and faults."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._events: Iterator[Event] = yaml.parse(text, yaml.SafeLoader)

    def whole(self) -> Any:
        """Return the data of the only document."""
        next(self._events)  # the stream begins
        if isinstance(next(self._events), StreamEndEvent):
            self._document.fault(
                (1, 1), (), "the file is empty; write about, source, policy, lanes and expect"
            )
            return None
        data = self._value(next(self._events), ())
        assert isinstance(next(self._events), DocumentEndEvent)
        follower = next(self._events)
        if isinstance(follower, DocumentStartEvent):
            raise _RefusedError(
                follower, "a second document begins here; a file holds one scenario, split it"
            )
        return data

    def _value(self, event: Event, path: Path) -> Any:
        position = _position(event)
        self._document.values[path] = position
        if len(path) > _DEPTH_MAX:
            raise _RefusedError(event, f"more than {_DEPTH_MAX} levels deep; no key of a scenario needs that")
        refusal = _refusal(event)
        if refusal:
            self._document.fault(position, path, f"{refusal}; write the value out")
            self._document.unread.add(path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        if not isinstance(event, ScalarEvent):
            return None
        try:
            return _scalar(event)
        except ValueError as error:
            self._document.fault(position, path, str(error))
            self._document.unread.add(path)
            return None

    def _sequence(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        document = self._document
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), MappingEndEvent):
            position = _position(event)
            if not isinstance(event, ScalarEvent | AliasEvent):
                raise _RefusedError(event, "a key must be text, not a list or a mapping; check the brackets")
            try:
                key = _key(event)
            except ValueError as error:
                document.fault(position, path, str(error))
                self._skip(path)
                continue
            place = (*path, key)
            if key in found:
                line = document.keys[place][0]
                document.fault(
                    position, place, f"duplicate key, first given in line {line}; remove one of them"
                )
                self._skip(path)
                continue
            document.keys[place] = position
            found[key] = self._value(next(self._events), place)
        return found

    def _skip(self, path: Path) -> None:
        """Skip the value of a rejected key."""
        aside = _Builder.__new__(_Builder)
        aside._document, aside._events = Document(self._document.file), self._events
        aside._value(next(self._events), (*path, ""))


def _refusal(event: Event) -> str:
    """Return why the form of a node is rejected; empty when it is accepted."""
    if isinstance(event, AliasEvent):
        return f"alias *{event.anchor} is not supported"
    assert isinstance(event, NodeEvent)
    if event.anchor is not None:
        return f"anchor &{event.anchor} is not supported"
    tag = getattr(event, "tag", None)
    return f"tag {tag} is not supported" if tag is not None else ""


def _key(event: Event) -> str:
    """Return a key of a mapping.

    Raises:
        ValueError: it is no text, or has a rejected form.
    """
    refusal = _refusal(event)
    if refusal:
        raise ValueError(f"{refusal}; write the key out")
    assert isinstance(event, ScalarEvent)
    if event.style is None and event.value == "<<":
        raise ValueError("merge keys (<<) are not supported; write the keys out")
    key = _scalar(event)
    if not isinstance(key, str):
        raise ValueError(f'a key must be text, got {event.value or "nothing"}; quote it: "{event.value}"')
    return key


def _scalar(event: ScalarEvent) -> Any:
    """Return the value of a scalar.

    Raises:
        ValueError: the value is not usable.
    """
    value = event.value if event.style is not None else _resolve(event.value)
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("half of a surrogate pair is no character; write the character itself")
    return value


def _resolve(text: str) -> Any:
    """Return the value of a plain scalar in the core schema.

    Raises:
        ValueError: the integer is too large for any key of a scenario.
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            if len(text) > _DIGITS_MAX:
                raise ValueError(f"more than {_DIGITS_MAX} digits; give a smaller number, or quote it")
            return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text
