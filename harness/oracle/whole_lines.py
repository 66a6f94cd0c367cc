"""Find the entries that a transcript's bytes hold in whole lines.

An entry is there if a line that parses carries its id, or lists it among the entries that a compaction
replaced (``compacts``). A torn line holds no entry.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["every_id", "plain_ids"]


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
