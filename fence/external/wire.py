"""Encode the lines to an adapter and parse its lines; pure functions, no process.

`docs/external-fence.md` is the protocol; `fence.external.adapter` has the process.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import errno
import json
import math
from collections.abc import Sequence
from typing import Any

from fence.locks import KINDS, LockFile

__all__ = [
    "OPTIONAL",
    "REQUIRED",
    "VERSION",
    "Answer",
    "Doubt",
    "Hello",
    "ProtocolError",
    "Sleep",
    "Waits",
    "encode",
    "hello_of",
    "loaded",
    "parse",
    "quoted",
    "with_lines",
]

VERSION = 1
REQUIRED = (
    "begin_turn",
    "load",
    "append",
    "release_for_prompt",
    "guarded_write",
    "end_turn",
    "acquire",
    "release",
)
OPTIONAL = ("recover", "rewrite")
_ANSWERS = ("ok", "takeover", "lock_timeout", "stale_lock", "unsupported", "error")
_SERVES = ("process", "lane")
#: What an adapter waits by; the first one where it does not say.
_REAL = "real"
_TIMES = (_REAL, "virtual")
_SLEEP_MS_MAX = 10.0**12
_CLIP_CHARS = 240


class ProtocolError(Exception):
    """A line does not follow the protocol; the message says why, without quoting the line."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """The end of a request.

    Args:
        kind: ``ok takeover lock_timeout stale_lock unsupported error``.
        text: the check that failed, or a message.
        code: name of the errno of a file call that failed, or empty.
        fields: all fields of the line.
    """

    kind: str
    text: str
    code: str
    fields: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Sleep:
    """The request sleeps for some virtual milliseconds."""

    duration_ms: float


@dataclasses.dataclass(frozen=True)
class Waits:
    """The request goes on only after another lane's call."""


@dataclasses.dataclass(frozen=True)
class Doubt:
    """The adapter can no longer attribute its calls to lanes."""

    why: str


@dataclasses.dataclass(frozen=True)
class Hello:
    """Name and properties of an adapter.

    Args:
        name: name for reports.
        lock: a name of `fence.locks.KINDS`.
        per_lane: whether each lane has its own adapter, instead of one for each process.
        operations: operations of `OPTIONAL` that it supports.
        sound_under: names of policies.
        invariant: names of rules for the transcript's lines.
        lock_path: pattern of the lock's file; empty for the kind's own.
        further_locks: locks that a writer holds as well, each a kind and the pattern of its file.
        real_waits: whether it may wait by the machine's clock.
    """

    name: str
    lock: str
    per_lane: bool
    operations: frozenset[str]
    sound_under: tuple[str, ...]
    invariant: tuple[str, ...] = ()
    lock_path: str = ""
    further_locks: tuple[LockFile, ...] = ()
    real_waits: bool = True


# To the adapter


def encode(number: int, do: str, now_ns: int, fields: dict[str, Any], ahead_ns: int = 0) -> bytes:
    """Return a line to the adapter.

    Args:
        number: number of the request.
        do: operation of the request.
        now_ns: virtual time, nanoseconds since 1970.
        ahead_ns: how far the clock of the date is ahead of it.
        fields: further fields.
    """
    line = {"id": number, "do": do, "now_ms": now_ns / 1e6, **fields}
    if ahead_ns:
        line["date_ahead_ms"] = ahead_ns / 1e6
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def with_lines(key: str, lines: Sequence[bytes]) -> dict[str, Any]:
    """Return a field with whole lines; in base64 if one of them is not UTF-8."""
    try:
        return {key: [line.decode() for line in lines]}
    except UnicodeDecodeError:
        return {f"{key}_base64": [base64.b64encode(line).decode() for line in lines]}


# From the adapter


def quoted(line: bytes) -> str:
    """Return a line as it can be quoted in a message: one line, printable, shortened."""
    text = line[: _CLIP_CHARS + 1].decode("utf-8", "backslashreplace").rstrip("\n")
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return f"{text[:_CLIP_CHARS]}..." if len(line) > _CLIP_CHARS else text


def parse(line: bytes, number: int) -> Answer | Sleep | Waits | Doubt:
    """Parse a line that the adapter sent while request `number` ran.

    Raises:
        ProtocolError: the protocol does not allow this line.
    """
    fields = _object(line)
    found = fields.get("id")
    if type(found) is not int:
        raise ProtocolError("id: expected the number of the request")
    if found != number:
        raise ProtocolError(f"id: expected {number}, the request that runs, got {found}")
    kinds = [key for key in ("answer", "sleep_ms", "waits", "doubt") if key in fields]
    if len(kinds) != 1:
        raise ProtocolError(
            f"expected one of answer, sleep_ms, waits, doubt, got {', '.join(kinds) or 'none'}"
        )
    if kinds[0] == "answer":
        return _answer(fields)
    if kinds[0] == "sleep_ms":
        return Sleep(_duration(fields["sleep_ms"]))
    if kinds[0] == "waits":
        if fields["waits"] is not True:
            raise ProtocolError("waits: expected true")
        return Waits()
    return Doubt(_text(fields, "doubt"))


def _object(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ProtocolError(f"no UTF-8 at byte {error.start}; send bytes in base64") from error
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"no JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ProtocolError("expected a JSON object")
    return fields


def _answer(fields: dict[str, Any]) -> Answer:
    kind = fields["answer"]
    if kind not in _ANSWERS:
        raise ProtocolError(f"answer: expected one of {', '.join(_ANSWERS)}")
    text = _text(fields, "check" if kind == "takeover" else "message", must=kind == "takeover")
    code = _text(fields, "code", must=False) if kind == "error" else ""
    if code and not hasattr(errno, code):
        raise ProtocolError("code: expected the name of an errno, like ENOSPC")
    return Answer(kind, text, code, fields)


def _duration(value: object) -> float:
    good = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= _SLEEP_MS_MAX  # type: ignore[arg-type,operator]
    if not good:
        raise ProtocolError("sleep_ms: expected milliseconds, 0 or more")
    return float(value)  # type: ignore[arg-type]


def _text(fields: dict[str, Any], key: str, must: bool = True) -> str:
    value = fields.get(key)
    if value is None and not must:
        return ""
    if not isinstance(value, str):
        raise ProtocolError(f"{key}: expected text")
    return value


def loaded(answer: Answer) -> bytes:
    """Return the bytes in the answer to a load.

    Raises:
        ProtocolError: it has none.
    """
    text, coded = answer.fields.get("text"), answer.fields.get("base64")
    if (text is None) == (coded is None):
        raise ProtocolError("expected the transcript in one of text and base64")
    if text is not None:
        try:
            return _text(answer.fields, "text").encode()
        except UnicodeEncodeError as error:
            raise ProtocolError("text: half a surrogate pair; send bytes in base64") from error
    try:
        return base64.b64decode(_text(answer.fields, "base64"), validate=True)
    except binascii.Error as error:
        raise ProtocolError(f"base64: {error}") from error


def hello_of(answer: Answer) -> Hello:
    """Return the adapter's name and properties from its answer to hello.

    Raises:
        ProtocolError: a part is missing or wrong.
    """
    fields = answer.fields
    if answer.kind != "ok":
        raise ProtocolError(f"answer: expected ok, got {answer.kind} {answer.text}".rstrip())
    if fields.get("protocol") != VERSION:
        raise ProtocolError(
            f"protocol: expected {VERSION}, got {quoted(json.dumps(fields.get('protocol')).encode())}"
        )
    # A list or a mapping is no key that can be looked up.
    if not isinstance(fields.get("lock"), str) or fields["lock"] not in KINDS:
        raise ProtocolError(f"lock: expected one of {', '.join(KINDS)}")
    if fields.get("serves") not in _SERVES:
        raise ProtocolError(f"serves: expected one of {', '.join(_SERVES)}")
    if fields.get("time", _REAL) not in _TIMES:
        raise ProtocolError(f"time: expected one of {', '.join(_TIMES)}")
    operations = frozenset(_names(fields, "operations"))
    if not operations <= {*OPTIONAL, *REQUIRED}:
        unknown = sorted(operations - {*OPTIONAL, *REQUIRED})
        raise ProtocolError(
            f"operations: unknown {', '.join(unknown)}, expected some of {', '.join(OPTIONAL)}"
        )
    name = _text(fields, "name", must=False)
    sound_under = tuple(_names(fields, "sound_under"))
    invariant = tuple(_names(fields, "invariant"))
    lock_path = _text(fields, "lock_path", must=False)
    further_locks = _further_locks(fields)
    fault = LockFile(fields["lock"], lock_path).fault()
    if fault:
        raise ProtocolError(f"lock_path: {fault}")
    return Hello(
        name,
        fields["lock"],
        fields["serves"] == "lane",
        operations,
        sound_under,
        invariant,
        lock_path,
        further_locks,
        fields.get("time", _REAL) == _REAL,
    )


def _further_locks(fields: dict[str, Any]) -> tuple[LockFile, ...]:
    value = fields.get("further_locks", [])
    wanted = "expected a list of pairs of a lock kind and a path pattern"
    if not isinstance(value, list):
        raise ProtocolError(f"further_locks: {wanted}")
    found = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(word, str) for word in pair):  # noqa: PLR2004  # a pair
            raise ProtocolError(f"further_locks: {wanted}")
        lock = LockFile(*pair)
        if lock.kind not in KINDS:
            raise ProtocolError(f"further_locks: {lock.kind!r}, expected one of {', '.join(KINDS)}")
        if lock.fault():
            raise ProtocolError(f"further_locks: {lock.fault()}")
        found.append(lock)
    return tuple(found)


def _names(fields: dict[str, Any], key: str) -> list[str]:
    value = fields.get(key, [])
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ProtocolError(f"{key}: expected a list of names")
    return value
