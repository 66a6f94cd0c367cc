"""Define a fence that keeps a chain of hashes over the lawful lines, and compares its head."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, ClassVar, NamedTuple

from fence.transcript import read_fd, write_all
from tests.fence.sound.recorded import Event, Intent, Record, RecordedFence

__all__ = ["HashChain", "HashChainFence", "Head"]


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


class Head(NamedTuple):
    """The head of a chain over the lines of a file.

    Args:
        exists: whether there is a file.
        size: bytes of it.
        last: hash of the last whole line and of the link before it.
        tail: bytes of an unfinished line behind it.
    """

    exists: bool
    size: int = 0
    last: str = ""
    tail: bytes = b""

    @staticmethod
    def of(data: bytes | None) -> Head:
        """Return the head of a file; of no file for None."""
        return Head(False) if data is None else Head(True).plus(data)

    def plus(self, data: bytes) -> Head:
        """Return the head after an append."""
        *lines, tail = (self.tail + data).split(b"\n")
        last = self.last
        for line in lines:
            last = _hash(last.encode(), line)
        return Head(True, self.size + len(data), last, tail)

    def after(self, event: Event) -> Head | None:
        """Return the head after an event; None if no content is lawful any more."""
        if event.kind == "broken":
            return None
        if event.kind == "append":
            return self.plus(event.data) if self.exists == event.existed else None
        if event.kind == "cut":
            return self._after_cut(event)
        if event.kind == "rewrite":
            return Head.of(event.data) if self == Head.of(event.there) else None
        return self

    def _after_cut(self, event: Event) -> Head:
        if event.there is None:
            return self.plus(event.data) if self.exists else self
        rest = event.there[self.size :]
        begins_alike = not self.exists or Head.of(event.there[: self.size]) == self
        return self.plus(rest if begins_alike and event.data.startswith(rest) else event.data)


class HashChain(Record):
    """A file of records, each linked to the one before it by that record's hash.

    A record that is cut short does not link, and neither do bytes behind it: they are removed.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._link = ""
        self.events: list[Event] = []
        try:
            raw = read_fd(self._fd)
            good = 0
            while (end := raw.find(b"\n", good)) >= 0 and self._take(raw[good:end]):
                good = end + 1
            if good < len(raw):
                os.ftruncate(self._fd, good)
        except BaseException:
            os.close(self._fd)
            raise

    def _take(self, line: bytes) -> bool:
        link, _, text = line.partition(b" ")
        if link.decode() != _hash(self._link.encode(), text):
            return False
        self._link = link.decode()
        fields: dict[str, Any] = json.loads(text)
        data = bytes.fromhex(fields["data"])
        if "aside" in fields:
            self.intent = Intent(data, fields["aside"])
        else:
            there = None if fields["there"] is None else bytes.fromhex(fields["there"])
            self.events.append(Event(fields["kind"], data, there, fields["existed"]))
            self.intent = None
        return True

    def intend(self, intent: Intent) -> None:
        self._add({"data": intent.data.hex(), "aside": intent.aside})
        self.intent = intent

    def commit(self, event: Event) -> None:
        there = None if event.there is None else event.there.hex()
        self._add({"kind": event.kind, "data": event.data.hex(), "there": there, "existed": event.existed})
        self.events.append(event)
        self.intent = None

    def _add(self, fields: dict[str, object]) -> None:
        text = json.dumps(fields).encode()
        link = _hash(self._link.encode(), text)
        write_all(self._fd, link.encode() + b" " + text + b"\n")
        self._link = link

    def mark(self, data: bytes | None) -> tuple[int, Head]:
        return len(self.events), Head.of(data)

    def objection(self, mark: tuple[int, Head], data: bytes | None) -> str:
        begin, loaded = mark
        head: Head | None = loaded
        for event in self.events[begin:]:
            head = None if head is None else head.after(event)
        if head is None:
            return "the chain ends at a rewrite over foreign bytes"
        return "" if head == Head.of(data) else "the lines do not lead to the head of the chain"

    def close(self) -> None:
        os.close(self._fd)


class HashChainFence(RecordedFence):
    """Every lawful writer adds a link; a runner follows the chain from its load to the bytes' hash."""

    about: ClassVar[str] = "a chain of hashes over the lawful lines, against the bytes"
    lock_kind: ClassVar[str] = "record"

    def open_record(self) -> HashChain:
        return HashChain(f"{self.path}.chain")
