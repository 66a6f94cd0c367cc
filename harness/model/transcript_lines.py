"""Make the lines of a transcript, one form for each type of entry.

The forms are those that OpenClaw's fences distinguish: a message has a role, a delivery mirror and a
gateway echo are assistant messages of a special model, everything else is metadata. Nothing is drawn
here: the caller draws the length, and equal arguments make equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final, Literal, get_args

import msgspec

from harness.model.program import Entry

__all__ = ["CANONICAL", "TEXT_BYTES_MAX", "TYPES", "EntryType", "compaction_line", "make", "make_header"]

#: Types that a lane may append; the header is written only before the first step.
EntryType = Literal[
    "user",
    "assistant",
    "toolResult",
    "bashExecution",
    "delivery-mirror",
    "gateway-injected",
    "custom",
    "label",
    "session_info",
    "model_change",
    "thinking_level_change",
    "compaction",
]

TYPES: Final[tuple[str, ...]] = ("session", *get_args(EntryType))

#: Types that a runner writes by itself.
CANONICAL: Final = ("assistant", "toolResult", "bashExecution")

TEXT_BYTES_MAX: Final = 10_000

#: Of the format that the forms below are in.
_VERSION: Final = 3
_TIMESTAMP: Final = "2026-01-01T00:00:00.000Z"
_WORDS = "the quick brown fox jumps over the lazy dog and then goes on its way "
_TEXT: Final = _WORDS * (TEXT_BYTES_MAX // len(_WORDS) + 1)


def _message(role: str, extra: str = "") -> Callable[[str, str], str]:
    head = '{"type":"message","id":"'
    tail = (
        f'","parentId":null,"timestamp":"{_TIMESTAMP}","message":{{"role":"{role}",{extra}'
        '"content":[{"type":"text","text":"'
    )
    return lambda identity, text: f'{head}{identity}{tail}{text}"}}]}}}}'


def _record(name: str, fields: str) -> Callable[[str, str], str]:
    """Return the form of a line without a message; its text comes last, in the last field of `fields`."""
    head = f'{{"type":"{name}","id":"'
    tail = f'","parentId":null,"timestamp":"{_TIMESTAMP}",{fields}:"'
    return lambda identity, text: f'{head}{identity}{tail}{text}"}}'


_FORMS: Final[dict[str, Callable[[str, str], str]]] = {
    "session": _record("session", f'"version":{_VERSION},"cwd":"/","name"'),
    "user": _message("user"),
    "assistant": _message("assistant"),
    "toolResult": _message("toolResult", '"toolCallId":"call","toolName":"read","isError":false,'),
    "bashExecution": _message("bashExecution", '"command":"true","exitCode":0,'),
    "delivery-mirror": _message("assistant", '"provider":"openclaw","model":"delivery-mirror",'),
    "gateway-injected": _message("assistant", '"provider":"openclaw","model":"gateway-injected",'),
    "custom": _record("custom", '"customType":"note","data"'),
    "label": _record("label", '"targetId":"none","label"'),
    "session_info": _record("session_info", '"name"'),
    "model_change": _record("model_change", '"provider":"openclaw","modelId"'),
    "thinking_level_change": _record("thinking_level_change", '"thinkingLevel"'),
    "compaction": _record("compaction", '"compacts":[],"summary"'),
}

assert tuple(_FORMS) == TYPES, "a type of entry has no form"


def make(kind: str, identity: str, text_bytes: int) -> Entry:
    """Return one line.

    Args:
        kind: a name of `TYPES`.
        identity: unique in the schedule; letters, digits, and the characters of a lane's name.
        text_bytes: length of its text, 0 to `TEXT_BYTES_MAX`; the rest of the line adds to it.
    """
    assert 0 <= text_bytes <= TEXT_BYTES_MAX, text_bytes
    return Entry(identity, kind, _FORMS[kind](identity, _TEXT[:text_bytes]))


def make_header(identity: str, version: int) -> Entry:
    """Return the first line of a transcript.

    Args:
        identity: unique in the schedule.
        version: of the format, as the header has it.
    """
    entry = make("session", identity, 0)
    return msgspec.structs.replace(
        entry, line=entry.line.replace(f'"version":{_VERSION}', f'"version":{version}')
    )


def compaction_line(identity: str, dropped: Sequence[str]) -> str:
    """Return the line that replaces all entries that a compaction dropped, given their ids."""
    fields = {
        "type": "compaction",
        "id": identity,
        "parentId": None,
        "timestamp": _TIMESTAMP,
        "compacts": list(dropped),
        "summary": f"{len(dropped)} entries",
    }
    return json.dumps(fields, separators=(",", ":"))
