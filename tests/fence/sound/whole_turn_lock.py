"""Define a fence that keeps the write lock for the whole turn, so that participants wait."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import ClassVar, NoReturn

from fence.errors import TakeoverError
from fence.locks import Lock
from fence.protocol import Fence, Site
from fence.transcript import write_all
from tests.fence.sound.recorded import Event, State, after
from tests.fence.sound.replacement import is_torn, open_for_append, read, replace, unlink

__all__ = ["WholeTurnLockFence"]


class _Turn:
    """State that the handles of one lane share: its lock, and the bytes that it knows.

    Args:
        lock: the lane's.

    Attributes:
        inner: holds of the lane's other handle within the turn.
        running: whether the lane is in a turn.
        known: the bytes as the lane loaded and wrote them; None before its load.
        unfinished: an append that failed, of which an unknown part was written.
        loaded: the bytes of the last load under this hold.
    """

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.inner = 0
        self.running = False
        self.known: State | None = None
        self.unfinished: bytes | None = None
        self.loaded: tuple[bytes | None] | None = None

    def resolve(self, data: bytes | None) -> None:
        """Find out from the bytes how much of a failed append was written."""
        if self.unfinished is not None:
            self.known = after(self.known, Event("cut", self.unfinished, data))
            self.unfinished = None

    def add(self, event: Event) -> None:
        """Take in a write of the lane's own; a known state that does not continue matches nothing."""
        if self.known is not None:
            self.known = after(self.known, event) or _NOTHING_MATCHES


class _Impossible(State):
    """A state that no bytes are equal to."""


_NOTHING_MATCHES = _Impossible(b"\0")


class WholeTurnLockFence(Fence):
    """Keeps the lock from `begin_turn` to `end_turn`; only a rogue can change the bytes in between.

    Nothing is kept in files: no other lawful writer has anything to tell. A second handle of the same
    lane writes under the lane's hold.
    """

    about: ClassVar[str] = "the lock kept for the whole turn, and the bytes compared"
    sound_under: ClassVar[tuple[str, ...]] = ("coordinated",)
    lock_kind: ClassVar[str] = "flock"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._turn: _Turn = site.process.setdefault(f"turn of {site.lane}", _Turn(self.lock))
        self.lock = self._turn.lock
        self._refused = ""

    # A runner's turn

    def begin_turn(self) -> None:
        self._refused = ""
        super().begin_turn()
        self._turn.running = True
        self._forget()

    def load(self) -> bytes:
        data = read(self.path)
        turn = self._turn
        turn.loaded = (data,)
        turn.resolve(data)
        if turn.running and turn.known is None:
            turn.known = State(data)
        return data or b""

    def append(self, entries: Sequence[bytes]) -> None:
        turn = self._turn
        if turn.unfinished is not None:
            turn.resolve(read(self.path))
        self._write(b"".join(entries))

    def release_for_prompt(self) -> None:
        """Keep the lock."""

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
        data = self._read_for_decision()
        turn = self._turn
        turn.resolve(data)
        if turn.known is not None and (turn.known is _NOTHING_MATCHES or turn.known.data != data):
            self._refuse("other bytes than this turn knows")
        if entries:
            self._write(b"".join(entries))

    def recover(self) -> bool:
        self._forget()
        self._turn.known = State(read(self.path))
        self._refused = ""
        return True

    def end_turn(self) -> None:
        self._turn.running = False
        self._forget()
        super().end_turn()

    # Any other participant

    def acquire(self) -> None:
        if self._turn.running:
            self._turn.inner += 1
            return
        super().acquire()
        self._forget()

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        turn, data = self._turn, b"".join(lines)
        done, aside = replace(self.path, data, turn.loaded)
        unlink(aside)
        if done.undone:
            if not done.back:
                turn.known = _NOTHING_MATCHES
            self._refuse("changed between its load and its rewrite")
        turn.add(Event("rewrite", data, done.replaced) if done.known else Event("broken"))
        turn.loaded = (data,)

    def release(self) -> None:
        if self._turn.inner:
            self._turn.inner -= 1
            return
        super().release()

    # The parts

    def _forget(self) -> None:
        turn = self._turn
        turn.known, turn.unfinished, turn.loaded = None, None, None

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

    def _write(self, payload: bytes) -> None:
        turn = self._turn
        fd, existed = open_for_append(self.path)
        try:
            if is_torn(fd):
                payload = b"\n" + payload
            turn.unfinished = payload
            write_all(fd, payload)
        finally:
            os.close(fd)
        turn.unfinished = None
        turn.add(Event("append", payload, existed=existed))
