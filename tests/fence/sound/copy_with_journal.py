"""Define a fence that keeps full copies of the lawful content, and a journal of the write in progress."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any, ClassVar

from fence.transcript import write_all
from tests.fence.sound.recorded import Event, Intent, Record, RecordedFence, State, after
from tests.fence.sound.replacement import read, unlink

__all__ = ["CopyWithJournal", "CopyWithJournalFence"]


def _pack(data: bytes | None) -> str | None:
    return None if data is None else base64.b85encode(data).decode()


def _unpack(text: str | None) -> bytes | None:
    return None if text is None else base64.b85decode(text)


class CopyWithJournal(Record):
    """The copies in one file, which is replaced by a rename; the journal in another, which is removed.

    There is a copy of each content that a load found, with every lawful write since. A journal without a
    valid checksum was never finished, so its write had not begun. One that is older than the copies was
    left by a holder that died before it removed the journal.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._journal = f"{path}.journal"
        self._sequence = 0
        self._copies: dict[str, State] = {}
        raw = read(path)
        if raw is not None:
            found = json.loads(raw)
            self._sequence = found["sequence"]
            self._copies = {name: State(_unpack(text)) for name, text in found["copies"].items()}
        journal = self._read_journal()
        if journal is not None and journal["sequence"] > self._sequence:
            self.intent = Intent(base64.b85decode(journal["data"]), journal["aside"])

    def _read_journal(self) -> dict[str, Any] | None:
        checksum, _, text = (read(self._journal) or b"").partition(b"\n")
        if hashlib.sha1(text, usedforsecurity=False).hexdigest().encode() != checksum:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    def intend(self, intent: Intent) -> None:
        fields = {"sequence": self._sequence + 1, "data": _pack(intent.data), "aside": intent.aside}
        text = json.dumps(fields).encode()
        checksum = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
        _make(self._journal, checksum + b"\n" + text)
        self.intent = intent

    def commit(self, event: Event) -> None:
        moved = ((name, after(state, event)) for name, state in self._copies.items())
        self._save({name: state for name, state in moved if state is not None})
        unlink(self._journal)
        self.intent = None

    def _save(self, copies: dict[str, State]) -> None:
        fields = {
            "sequence": self._sequence + 1,
            "copies": {name: _pack(state.data) for name, state in copies.items()},
        }
        _make(f"{self._path}.new", json.dumps(fields).encode())
        os.rename(f"{self._path}.new", self._path)
        self._sequence += 1
        self._copies = copies

    def mark(self, data: bytes | None) -> str:
        for name, state in self._copies.items():
            if state.data == data:
                return name
        name = str(self._sequence + 1)
        self._save({**self._copies, name: State(data)})
        return name

    def objection(self, mark: str, data: bytes | None) -> str:
        state = self._copies.get(mark)
        if state is None:
            return "rewritten over foreign bytes"
        return "" if state.data == data else "other bytes than the copy has"

    def close(self) -> None:
        """Keep no file open."""


def _make(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)


class CopyWithJournalFence(RecordedFence):
    """Every lawful writer writes the copies, too; a runner compares byte for byte."""

    about: ClassVar[str] = "a full copy of the lawful content, byte for byte"

    def open_record(self) -> CopyWithJournal:
        return CopyWithJournal(f"{self.path}.copy")
