"""Define a fence whose lawful writers record their writes in an SQLite database."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from tests.fence.sound.recorded import Event, Intent, Record, RecordedFence, State, after

__all__ = ["SqliteJournal", "SqliteJournalFence"]

_SCHEMA = """\
CREATE TABLE IF NOT EXISTS events
    (number INTEGER PRIMARY KEY, kind TEXT, data BLOB, there BLOB, existed INTEGER, aside TEXT)
"""


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Hand on the error of a failed file call of SQLite; it tells no more than full or not."""
    try:
        yield
    except sqlite3.OperationalError as error:
        number = errno.ENOSPC if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL else errno.EIO
        raise OSError(number, os.strerror(number)) from error


class SqliteJournal(Record):
    """One row for each write: kind ``intent`` while it is being made, then its outcome.

    The database is opened under the lock and closed with it, so it is never busy. SQLite itself undoes
    a transaction of a holder that died, by its rollback journal beside the database.
    """

    def __init__(self, path: str) -> None:
        with _as_os_error():
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
            try:
                for pragma in ("journal_mode=DELETE", "synchronous=OFF", "mmap_size=0"):
                    self._database.execute(f"PRAGMA {pragma}")
                self._database.execute(_SCHEMA)
                last = self._database.execute(
                    "SELECT number, kind, data, aside FROM events ORDER BY number DESC LIMIT 1"
                ).fetchone()
            except BaseException:
                self._database.close()
                raise
        self._number = 0 if last is None else last[0]
        if last is not None and last[1] == "intent":
            self.intent = Intent(last[2], last[3])

    def intend(self, intent: Intent) -> None:
        with _as_os_error():
            self._database.execute(
                "INSERT INTO events (number, kind, data, aside) VALUES (?, 'intent', ?, ?)",
                (self._number + 1, intent.data, intent.aside),
            )
        self._number += 1
        self.intent = intent

    def commit(self, event: Event) -> None:
        with _as_os_error():
            self._database.execute(
                "UPDATE events SET kind = ?, data = ?, there = ?, existed = ? WHERE number = ?",
                (event.kind, event.data, event.there, event.existed, self._number),
            )
        self.intent = None

    def mark(self, data: bytes | None) -> tuple[int, State]:
        return self._number, State(data)

    def objection(self, mark: tuple[int, State], data: bytes | None) -> str:
        begin, loaded = mark
        state: State | None = loaded
        with _as_os_error():
            rows = self._database.execute(
                "SELECT kind, data, there, existed FROM events WHERE number > ? ORDER BY number", (begin,)
            ).fetchall()
        for kind, written, there, existed in rows:
            state = after(state, Event(kind, written, there, bool(existed)))
        if state is None:
            return "rewritten over foreign bytes"
        return "" if state.data == data else "other bytes than the rows make"

    def close(self) -> None:
        self._database.close()


class SqliteJournalFence(RecordedFence):
    """Every lawful writer inserts a row; a runner applies the rows since its load."""

    about: ClassVar[str] = "the lawful writes in an SQLite database, against the bytes"

    def open_record(self) -> SqliteJournal:
        return SqliteJournal(f"{self.path}.sqlite")
