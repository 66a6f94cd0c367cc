"""Define a fence that replays a log of operations from its load, and compares bytes."""

from __future__ import annotations

import base64
import json
import os
from typing import ClassVar

from fence.transcript import read_fd, write_all
from tests.fence.sound.recorded import Event, Intent, Record, RecordedFence, State, after

__all__ = ["OperationLog", "OperationLogFence"]


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


class OperationLog(Record):
    """A file of JSON lines that only grows: an intent, then its event, then the next intent.

    A last line that is cut short is as good as not written, and is removed before the next one.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            raw = read_fd(self._fd)
            *lines, torn = raw.split(b"\n")
            if torn:
                os.ftruncate(self._fd, len(raw) - len(torn))
        except BaseException:
            os.close(self._fd)
            raise
        self.events: list[Event] = []
        for line in lines:
            found = json.loads(line)
            if "intent" in found:
                self.intent = Intent(base64.b64decode(found["intent"]), found["aside"])
            else:
                data = base64.b64decode(found["data"])
                self.events.append(Event(found["kind"], data, _bytes(found["there"]), found["existed"]))
                self.intent = None

    def intend(self, intent: Intent) -> None:
        self._append({"intent": _text(intent.data), "aside": intent.aside})
        self.intent = intent

    def commit(self, event: Event) -> None:
        fields = {"data": _text(event.data), "there": _text(event.there), "existed": event.existed}
        self._append({"kind": event.kind, **fields})
        self.events.append(event)
        self.intent = None

    def _append(self, fields: dict[str, object]) -> None:
        write_all(self._fd, json.dumps(fields).encode() + b"\n")

    def mark(self, data: bytes | None) -> tuple[int, State]:
        return len(self.events), State(data)

    def objection(self, mark: tuple[int, State], data: bytes | None) -> str:
        begin, loaded = mark
        state: State | None = loaded
        for event in self.events[begin:]:
            state = after(state, event)
        if state is None:
            return "rewritten over foreign bytes"
        return "" if state.data == data else "other bytes than the log makes"

    def close(self) -> None:
        os.close(self._fd)


class OperationLogFence(RecordedFence):
    """Every lawful writer logs its operation; a runner replays the log from its load."""

    about: ClassVar[str] = "the log of all lawful operations, replayed, against the bytes"

    def open_record(self) -> OperationLog:
        return OperationLog(f"{self.path}.oplog")
