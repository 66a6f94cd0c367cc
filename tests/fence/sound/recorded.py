"""Define a fence whose lawful writers record each write; where and how is left to a `Record`.

All that is not the record is the same for each of them: the recorded events, their order, and the reading
of a write whose end was not recorded by the next holder of the lock.
"""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import errno
import os
from collections.abc import Sequence
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self

from fence.errors import TakeoverError
from fence.protocol import Fence, Site
from fence.transcript import write_all
from tests.fence.sound.replacement import is_torn, open_for_append, read, replace, unlink

__all__ = ["Event", "Intent", "Record", "RecordedFence", "State", "after"]


@dataclasses.dataclass(frozen=True)
class Intent:
    """A write that is about to be made: an append of `data`, or a rewrite with the old file at `aside`."""

    data: bytes
    aside: str = ""


@dataclasses.dataclass(frozen=True)
class Event:
    """The outcome of a write.

    Args:
        kind: ``append``; ``cut``, an append of which an unknown part was written; ``rewrite``;
            ``nothing``; or ``broken``, after which no content is lawful.
        data: what was appended, or the new content.
        there: bytes that were found: after a cut append, or replaced by a rewrite; None for no file.
        existed: whether there was a file before an append.
    """

    kind: str
    data: bytes = b""
    there: bytes | None = None
    existed: bool = True


@dataclasses.dataclass(frozen=True)
class State:
    """Bytes that a runner expects; None for no file."""

    data: bytes | None


def after(state: State | None, event: Event) -> State | None:
    """Return what a runner expects after an event; None if no content is lawful for it any more."""
    if state is None or event.kind == "broken":
        return None
    old = state.data
    if event.kind == "append":
        # A file made or removed by another process is a takeover even if the bytes come out equal.
        return State((old or b"") + event.data) if (old is not None) == event.existed else None
    if event.kind == "cut":
        if event.there is None and old is None:
            return state
        begin = old or b""
        rest = (event.there or b"")[len(begin) :]
        partly = event.there is not None and event.there.startswith(begin) and event.data.startswith(rest)
        return State(begin + (rest if partly else event.data))
    if event.kind == "rewrite":
        return State(event.data) if old == event.there else None
    return state


class Record(abc.ABC):
    """The record of lawful writes, open under the lock.

    Attributes:
        intent: a write that began and whose end was not recorded.
    """

    intent: Intent | None = None

    @abc.abstractmethod
    def intend(self, intent: Intent) -> None:
        """Record that a write begins."""

    @abc.abstractmethod
    def commit(self, event: Event) -> None:
        """Record what became of the last intent."""

    @abc.abstractmethod
    def mark(self, data: bytes | None) -> Any:
        """Return where a runner begins that found `data`."""

    @abc.abstractmethod
    def objection(self, mark: Any, data: bytes | None) -> str:
        """Return why `data` is not what lawful writes made of a mark; empty if it is."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close the files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RecordedFence(Fence):
    """Refuses exactly if the bytes differ from what the recorded writes made of the loaded ones."""

    sound_under: ClassVar[tuple[str, ...]] = ("coordinated",)
    lock_kind: ClassVar[str] = "flock"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._mark: Any = None
        self._refused = ""
        self._turn_begins = True
        self._loaded: tuple[bytes | None] | None = None

    def open_record(self) -> Record:
        """Open the record; the lock is held."""
        raise NotImplementedError

    # A runner's turn

    def begin_turn(self) -> None:
        if self._refused:
            self._refused, self._mark = "", None
        self._turn_begins = True
        self._loaded = None
        super().begin_turn()

    def load(self) -> bytes:
        data = read(self.path)
        self._loaded = (data,)
        if self._turn_begins or self._mark is None:
            self._rebase(data)
        return data or b""

    def append(self, entries: Sequence[bytes]) -> None:
        with self._resolved() as record:
            self._write(record, b"".join(entries))

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
        with self.lock:
            data = self._read_for_decision()
            if self._mark is None:
                self._rebase(data)
            with self._resolved(data) as record:
                objection = record.objection(self._mark, data)
                if objection:
                    self._refuse(objection)
                if entries:
                    self._write(record, b"".join(entries))

    def recover(self) -> bool:
        with contextlib.nullcontext() if self.lock.held else self.lock:
            self._rebase(read(self.path))
        self._refused = ""
        return True

    # Any other participant

    def acquire(self) -> None:
        self._loaded = None
        super().acquire()

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        data = b"".join(lines)
        with self._resolved() as record:
            done, aside = replace(
                self.path, data, self._loaded, lambda aside: record.intend(Intent(data, aside))
            )
            if done.undone:
                record.commit(Event("nothing" if done.back else "broken"))
            elif done.known:
                record.commit(Event("rewrite", data, done.replaced))
            else:
                record.commit(Event("broken"))
            unlink(aside)
            if done.undone:
                self._refuse("changed between its load and its rewrite")
        if self._loaded is not None:
            self._loaded = (data,)

    # The parts

    def _read_for_decision(self) -> bytes | None:
        try:
            return read(self.path)
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ELOOP):
                self._refuse("no file any more")
            raise

    def _refuse(self, why: str) -> NoReturn:
        self._refused = why
        raise TakeoverError(why)

    def _rebase(self, data: bytes | None) -> None:
        with self._resolved(data) as record:
            self._mark = record.mark(data)
        self._turn_begins = False

    def _resolved(self, *found: bytes | None) -> Record:
        """Open the record, and find out what became of an intent of a holder that died or failed.

        Args:
            found: bytes of the transcript, if they were read under this hold of the lock.
        """
        record = self.open_record()
        try:
            intent = record.intent
            if intent is None:
                return record
            if intent.aside:
                aside = read(intent.aside)
                done = aside != intent.data
                record.commit(Event("rewrite", intent.data, aside) if done else Event("nothing"))
                unlink(intent.aside)
            else:
                data = found[0] if found else read(self.path)
                record.commit(Event("cut", intent.data, data))
        except BaseException:
            record.close()
            raise
        return record

    def _write(self, record: Record, payload: bytes) -> None:
        fd, existed = open_for_append(self.path)
        try:
            # Appended to a torn line, the new line would be torn too.
            if is_torn(fd):
                payload = b"\n" + payload
            record.intend(Intent(payload))
            write_all(fd, payload)
        finally:
            os.close(fd)
        record.commit(Event("append", payload, existed=existed))
