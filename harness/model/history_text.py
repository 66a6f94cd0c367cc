"""The text form of a history: JSON Lines.

The first line is the `Header`, each further line is one event, and the last one is `End`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness.model.errors import FormatError
from harness.model.history import VERSION, End, Event, Header, History, Invoke, Return, Step
from harness.model.unreadable import UNREADABLE

__all__ = ["decode", "encode"]


class _Blob(msgspec.Struct, frozen=True, tag="blob", tag_field="event"):
    content: str
    text: str


_encoder = msgspec.json.Encoder()
_header_decoder = msgspec.json.Decoder(Header)
_event_decoder = msgspec.json.Decoder(Invoke | Step | Return | End | _Blob)


def encode(history: History) -> bytes:
    """Return the text form of a history, deterministic to the byte."""
    lines = [_encoder.encode(history.header)]
    lines += [_encoder.encode(event) for event in history.events]
    lines += [
        _encoder.encode(_Blob(name, content.decode("latin-1")))
        for name, content in sorted(history.blobs.items())
    ]
    return b"\n".join(lines) + b"\n"


def decode(data: bytes, where: str = "history") -> History:
    """Parse the text form of a history.

    Raises:
        FormatError: it is damaged, truncated, or of an unknown version.
    """
    lines = data.splitlines()
    if not lines:
        raise FormatError(f"{where}:1: empty, expected a history; was the run stopped while it was written?")
    number = 1
    try:
        header = _header_decoder.decode(lines[0])
        if header.version != VERSION:
            raise FormatError(
                f"{where}:1: version {header.version}, expected {VERSION}; "
                "read it with the release that wrote it"
            )
        events: list[Event] = []
        blobs: dict[str, bytes] = {}
        for line in lines[1:]:
            number += 1
            item = _event_decoder.decode(line)
            if isinstance(item, _Blob):
                blobs[item.content] = item.text.encode("latin-1")
            else:
                events.append(item)
    except UNREADABLE as error:
        raise FormatError(f"{where}:{number}: {error}; expected one JSON object a line") from error
    _check(header, events, where)
    return History(header, tuple(events), blobs)


def _check(header: Header, events: Sequence[Event], where: str) -> None:
    if not events or not isinstance(events[-1], End):
        raise FormatError(f"{where}: ends without an end event; was the run stopped while it was written?")
    lanes = range(len(header.lanes))
    for number, event in enumerate(events, 2):
        strange = next((lane for lane in _lanes_of(event) if lane not in lanes), None)
        if strange is not None:
            raise FormatError(f"{where}:{number}: lane {strange}, expected 0 to {len(lanes) - 1}")


def _lanes_of(event: Event) -> Sequence[int]:
    """Return the indices of all lanes that an event names."""
    if isinstance(event, End):
        named = [lane for lane, _ in event.waiting]
        return named if event.lock_owner == -1 else [*named, event.lock_owner]
    if isinstance(event, Step) and event.lock is not None and event.lock.owner != -1:
        return event.lane, event.lock.owner
    return (event.lane,)
