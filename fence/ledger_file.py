"""Read and write the ledger: the file in which lawful holders of the lock record the transcript's content.

It holds *branches*: each is a content that a load found, extended by every lawful write since. A change
without a record is on no branch.

The file is written under the lock only, and survives the death of its writer: an *intent* is written
before the transcript is changed, and a new record, which replaces the last but one, after it. Each is one
write and has a checksum. The last record stays until the next one is complete: an intent alone does not
say how far its write got, and would be applied again later. Layout: two records at 0 and 2048, the intent
at 4096, the bytes of an intended append, or the path for a rewrite, from 6144 on.

The checksums belong to this format (`fence.ledger_content`), so a file of another format, also of an older
one, is as good as an empty file: a turn that has begun is refused, and the next load begins a new ledger.
"""

from __future__ import annotations

import dataclasses
import json
import os
import time
from types import TracebackType
from typing import Any, Self

from fence.ledger_content import Content, digest

__all__ = ["BRANCHES_MAX", "Branches", "Intent", "LedgerFile"]

#: Number of branches that are kept; the oldest one is dropped when another load finds foreign bytes.
BRANCHES_MAX = 8

_SLOT = 2048
_INTENT_AT = 2 * _SLOT
_PAYLOAD_AT = 3 * _SLOT


Branches = dict[str, Content]


@dataclasses.dataclass(frozen=True)
class Intent:
    """A write that began and whose end was not recorded.

    Args:
        payload: bytes to be appended; None for a rewrite.
        new: content after a rewrite; None for an append.
        aside: path of the new file, and of the replaced one after the exchange; empty for an append.
    """

    payload: bytes | None
    new: Content | None
    aside: str = ""


class LedgerFile:
    """The open ledger file; use it as a context manager and under the lock.

    Args:
        path: path of the file.
        create: make the file if there is none.

    Attributes:
        known: whether it holds a record; without one no runner depends on it.
        branches: by name, oldest first.
        intent: intent of a holder that died or failed.
    """

    def __init__(self, path: str, create: bool) -> None:
        self.known = False
        self.branches: Branches = {}
        self.intent: Intent | None = None
        self._sequence = 0
        self._free_at = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0), 0o600)
        except FileNotFoundError:
            self._fd = -1
            return
        try:
            self._read()
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    @property
    def next_name(self) -> str:
        """Return a name that no branch has had, not even one in an earlier file."""
        return f"b{self._sequence + 1}.{time.time_ns()}"

    def intend_append(self, payload: bytes) -> None:
        """Record that `payload` is about to be appended."""
        self._intend({"length": len(payload), "payload": digest(payload)}, payload)

    def intend_rewrite(self, new: Content, aside: str) -> None:
        """Record that the transcript is about to be exchanged with the file at a path."""
        # By the time that it is resolved, a symbolic link may lead elsewhere.
        path = os.fsencode(aside)
        self._intend({"new": new.fields, "length": len(path), "payload": digest(path)}, path)

    def commit(self, branches: Branches) -> None:
        """Record the content that the transcript must have from now on."""
        kept = dict(list(branches.items())[-BRANCHES_MAX:])
        self._sequence += 1
        self._write({"sequence": self._sequence, "branches": _plain(kept)}, self._free_at)
        self._free_at = _SLOT - self._free_at
        self.branches = kept
        self.intent = None
        self.known = True

    def _intend(self, what: dict[str, Any], payload: bytes) -> None:
        self._sequence += 1
        record = {"sequence": self._sequence, "branches": _plain(self.branches), "intent": what}
        self._write(record, _INTENT_AT, payload)

    def _write(self, record: dict[str, Any], at: int, payload: bytes = b"") -> None:
        text = json.dumps(record, separators=(",", ":")).encode()
        slot = (digest(text).encode() + text).ljust(_SLOT)
        assert len(slot) == _SLOT, "a record outgrew its slot"
        view = memoryview(slot + payload)
        while view:
            written = self._put(view, at)
            view, at = view[written:], at + written

    def _put(self, data: memoryview, at: int) -> int:
        return os.pwrite(self._fd, data, at)

    def _read(self) -> None:
        raw = os.pread(self._fd, _PAYLOAD_AT, 0)
        found = [(at, record) for at in (0, _SLOT) if (record := _parse(raw[at : at + _SLOT]))]
        if not found:
            return
        at, latest = max(found, key=lambda one: int(one[1]["sequence"]))
        self._free_at = _SLOT - at
        self.known = True
        self.branches = {name: Content(*fields) for name, fields in latest["branches"].items()}
        self._sequence = latest["sequence"]
        intent = _parse(raw[_INTENT_AT:])
        if intent is not None and intent["sequence"] > self._sequence:
            self._sequence = intent["sequence"]
            self.intent = self._whole(intent["intent"])

    def _whole(self, what: dict[str, Any]) -> Intent | None:
        payload = os.pread(self._fd, what["length"], _PAYLOAD_AT)
        if digest(payload) != what["payload"]:
            # The transcript was not written yet.
            return None
        if "new" in what:
            return Intent(None, Content(*what["new"]), os.fsdecode(payload))
        return Intent(payload, None)


def _plain(branches: Branches) -> dict[str, Any]:
    return {name: content.fields for name, content in branches.items()}


def _parse(slot: bytes) -> dict[str, Any] | None:
    checksum, text = slot[:32], slot[32:].rstrip()
    if not text or digest(text).encode() != checksum:
        return None
    found: dict[str, Any] = json.loads(text)
    return found
