"""Make the lines that rogues write, and changes to lines that keep their length.

The lines have the shape of an agent's transcript. They are made separately from the participants'
lines: a rogue knows the format and nothing of the harness.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["change", "last_line_start", "make_line", "span"]

_TIMESTAMP = "2026-01-01T00:00:00.000Z"

_MESSAGES: dict[str, dict[str, Any]] = {
    "user": {"role": "user"},
    "assistant": {"role": "assistant", "provider": "model-house", "model": "thinker"},
    "toolResult": {"role": "toolResult", "toolCallId": "call-0", "toolName": "read", "isError": False},
    # The form in which a gateway mirrors a message that it delivered to a channel.
    "delivery-mirror": {"role": "assistant", "provider": "openclaw", "model": "delivery-mirror"},
    "quoting": {"role": "user"},
}
#: Words by which programs tell lines that they accept.
_QUOTED = ' said {"type":"message","message":{"role":"assistant","model":"delivery-mirror"}}'

_VALUE = re.compile(rb'"(?:text|content|data|summary)":\s*"((?:[^"\\]|\\.)*)"')
_TOKEN = re.compile(rb"\\u[0-9a-fA-F]{4}|\\.|[A-Za-z0-9]+", re.DOTALL)
_SPAN_MAX = 8
_NEXT = bytes.maketrans(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    b"bcdefghijklmnopqrstuvwxyzaBCDEFGHIJKLMNOPQRSTUVWXYZA1234567890",
)


def make_line(kind: str, identity: str) -> str:
    """Return a line without its newline.

    Args:
        kind: ``user assistant toolResult delivery-mirror custom``, or ``quoting``: a user's message with
            the words of other lines in its text.
        identity: the entry's id.
    """
    entry: dict[str, Any] = {"type": "message", "id": identity, "parentId": None, "timestamp": _TIMESTAMP}
    if kind == "custom":
        entry |= {"type": "custom", "customType": "note", "data": {"text": f"noted by {identity}"}}
    else:
        text = f"words of {identity}{_QUOTED if kind == 'quoting' else ''}"
        entry["message"] = _MESSAGES[kind] | {"content": [{"type": "text", "text": text}]}
    return json.dumps(entry, separators=(",", ":"))


def span(content: bytes, where: int) -> tuple[int, bytes] | None:
    """Return where to change a transcript, and the new bytes.

    The text of an entry is preferred, so that a JSON line stays valid and keeps its id. The
    search starts at the chosen line and goes on to the following ones, cyclically.

    Args:
        content: the whole transcript.
        where: chosen line, in thousandths of all lines.

    Returns:
        The offset and the bytes to put there; None when no byte can be changed.
    """
    found = content.splitlines(keepends=True)
    first = where * len(found) // 1000
    for index in [*range(first, len(found)), *range(first)]:
        at = _in_text(found[index]) or _anywhere(found[index])
        if at is not None:
            offset = sum(map(len, found[:index])) + at[0]
            return offset, content[offset : offset + at[1] - at[0]].translate(_NEXT)
    return None


def change(content: bytes, where: int) -> bytes:
    """Return the transcript with the bytes of `span` in it; unchanged when `span` finds no place."""
    place = span(content, where)
    if place is None:
        return content
    offset, data = place
    return content[:offset] + data + content[offset + len(data) :]


def last_line_start(content: bytes) -> int:
    """Return the offset of the last line, complete or not."""
    return content.rfind(b"\n", 0, max(0, len(content) - 1)) + 1


def _in_text(line: bytes) -> tuple[int, int] | None:
    for value in _VALUE.finditer(line):
        for token in _TOKEN.finditer(line, *value.span(1)):
            if not token[0].startswith(b"\\"):
                start, end = token.span()
                return start, min(end, start + _SPAN_MAX)
    return None


def _anywhere(line: bytes) -> tuple[int, int] | None:
    parsed = _parsed(line)
    for at in range(len(line) - 1, -1, -1):
        if not line[at : at + 1].isalnum():
            continue
        other = line[:at] + line[at : at + 1].translate(_NEXT) + line[at + 1 :]
        if parsed is None or _parsed(other) not in (None, parsed):
            return at, at + 1
    return None


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
