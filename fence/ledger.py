"""Implement a fence that is correct by construction: lawful writers record their writes in a ledger."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from typing import ClassVar, NoReturn

from fence.atomic_replace import exchange
from fence.errors import TakeoverError
from fence.ledger_content import Content
from fence.ledger_file import Intent, LedgerFile
from fence.ledger_reading import Reading
from fence.protocol import Fence, Site
from fence.rename_check import RenameCheck
from fence.transcript import follow_links, write_all

__all__ = ["LedgerFence"]

_APPENDING = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
_NEW = os.O_CREAT | os.O_EXCL
#: Bytes behind a base that cost more to follow, line by line, than a record of another base.
_FAR = 1 << 16


class LedgerFence(Fence):
    """Refuses exactly if the bytes differ from the result of the lawful writes.

    Source: this project's answer to issue #84071. Every participant, of any process, records
    under the lock what its write makes of the transcript. The record is computed from the written
    bytes and never from reading the file, so no lawful writer can mistake a rogue's bytes for its
    own. A runner's decision reads the bytes once and compares; it may record an equal content in
    another form. Nothing else counts: no times, no inode, no other holds of the lock.

    The content that a load finds becomes a *branch*. Lawful writes extend every branch, and a
    runner is compared with the branch of its own load. So a load that finds foreign bytes hides
    them from no other lane, and bytes that are undone before a decision are no takeover for any
    lane. A rewrite keeps the old file aside instead of overwriting it; branches that it does not
    continue end there. A rewrite is refused, and undone, if it would destroy bytes that were not
    there at its load. A rewrite ``in_place`` is made by exchange too, because a truncation would
    destroy them unseen. Where the path is a symbolic link, the file that it leads to is replaced.

    A refusal stays for the rest of the turn unless `recover` accepts the current content. A lock
    time-out says nothing about the transcript and is not kept.

    It does not catch: bytes that were changed and changed back before the decision; the same bytes
    in another file; a write after its last look (the next decision catches it); a writer that
    changes the ledger itself. It reports a participant that does not use it. If a ninth foreign
    content is loaded during a turn, that turn is refused. A turn is also refused if a holder dies
    between its exchange and its record and a rogue then writes to the replaced file, because the
    order of the two is no longer known. Power failures are not considered: nothing is flushed to
    disk.
    """

    about: ClassVar[str] = "compares the record of lawful writers with the bytes of the transcript"
    sound_under: ClassVar[tuple[str, ...]] = ("coordinated",)
    lock_kind: ClassVar[str] = "flock"
    _file: ClassVar[type[LedgerFile]] = LedgerFile

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._ledger = f"{site.transcript}.ledger"
        self._branch = ""
        self._refused = ""
        self._turn_begins = True
        self._loaded: Content | None = None

    # A runner's turn

    def begin_turn(self) -> None:
        """Take the lock; a takeover that was reported in the last turn is forgotten."""
        if self._refused:
            self._refused, self._branch = "", ""
        self._turn_begins = True
        self._loaded = None
        super().begin_turn()

    def load(self) -> bytes:
        """Read the transcript; the first load of a turn sets the branch that the runner is compared with."""
        with Reading.at(self.path, keep=True) as reading:
            try:
                if self._turn_begins or not self._branch:
                    self._rebase(reading)
            finally:
                # The bytes that were read count, even if the ledger cannot be written.
                self._loaded = reading.content
            return reading.data or b""

    def append(self, entries: Sequence[bytes]) -> None:
        """Append without reading the bytes, except for the last one."""
        with self._file(self._ledger, create=False) as ledger:
            if not ledger.known:
                self._append_unrecorded(b"".join(entries))
                return
            if ledger.intent is not None:
                with Reading.at(self.path) as reading:
                    self._resolve_intent(ledger, ledger.intent, reading)
            self._append(ledger, b"".join(entries))

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, compare with the runner's branch, append, record it, unlock."""
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
        with self.lock, self._read_for_decision() as reading:
            self._decide_and_write(reading, entries)

    def recover(self) -> bool:
        """Accept the current content under the lock; later decisions compare with it."""
        with contextlib.nullcontext() if self.lock.held else self.lock, Reading.at(self.path) as reading:
            self._rebase(reading)
        self._refused = ""
        return True

    # Any other participant

    def acquire(self) -> None:
        """Take the lock; a load under an earlier hold is outdated."""
        self._loaded = None
        super().acquire()

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Put a new file in the transcript's place, and check the replaced file.

        Raises:
            TakeoverError: the replaced file was not the loaded one; it is back in its place.
        """
        with self._file(self._ledger, create=False) as ledger:
            if not ledger.known:
                # A truncation could not be undone if the write after it failed.
                super().rewrite(lines, "rename")
                return
            if ledger.intent is not None:
                with Reading.at(self.path) as reading:
                    self._resolve_intent(ledger, ledger.intent, reading)
            self._exchange(ledger, b"".join(lines))

    # Reading and deciding

    def _read_for_decision(self) -> Reading:
        try:
            return Reading.at(self.path)
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ELOOP):
                self._refuse("no file any more")
            raise

    def _decide_and_write(self, reading: Reading, entries: Sequence[bytes]) -> None:
        if not self._branch:
            self._rebase(reading)
        with self._file(self._ledger, create=False) as ledger:
            expected = self._decide(ledger, reading)
            if not entries:
                return
            payload = b"".join(entries)
            if _any_torn(ledger):
                payload = b"\n" + payload
            ledger.intend_append(payload)
            self._write(ledger, payload, *self._open(expected.exists))

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        if ledger.intent is not None:
            self._resolve_intent(ledger, ledger.intent, reading)
        if not ledger.known:
            self._refuse("the ledger is gone")
        expected = ledger.branches.get(self._branch)
        if expected is None:
            self._refuse("rewritten over foreign bytes")
        if self._matches(reading, expected):
            _move_base(ledger, reading)
            return expected
        if not reading.exists:
            self._refuse("the file is gone")
        if not expected.exists:
            self._refuse("a file that no participant made")
        if reading.size != expected.size:
            self._refuse(f"{reading.size} bytes, {expected.size} written down")
        self._refuse("other bytes")

    def _matches(self, reading: Reading, expected: Content) -> bool:
        return reading.shows(expected)

    def _refuse(self, check: str) -> NoReturn:
        self._refused = check
        raise TakeoverError(check)

    def _rebase(self, reading: Reading) -> None:
        """Compare with the current content from now on: on a branch of that content, or a new one."""
        with self._file(self._ledger, create=True) as ledger:
            if ledger.intent is not None:
                self._resolve_intent(ledger, ledger.intent, reading)
            reading.finish(ledger.branches.values())
            same = [name for name, content in ledger.branches.items() if reading.shows(content)]
            if not same:
                self._branch = ledger.next_name
                ledger.commit({**ledger.branches, self._branch: reading.content})
            else:
                self._branch = same[-1]
                if any(_is_far(ledger.branches[name]) for name in same):
                    ledger.commit({**ledger.branches, **dict.fromkeys(same, reading.content)})
        self._turn_begins = False

    # Writing

    def _append_unrecorded(self, payload: bytes) -> None:
        """Append without a ledger; a newline first if a failed write tore the last line."""
        fd = os.open(self.path, _APPENDING | os.O_CREAT, 0o600)
        try:
            write_all(fd, b"\n" + payload if _is_torn(fd) else payload)
        finally:
            os.close(fd)

    def _append(self, ledger: LedgerFile, payload: bytes) -> None:
        try:
            fd = os.open(self.path, _APPENDING)
        except FileNotFoundError:
            fd = -1
        try:
            # Appended to a torn line, the new line would be torn too, independent of its cause.
            if _any_torn(ledger) or (fd >= 0 and _is_torn(fd)):
                payload = b"\n" + payload
            ledger.intend_append(payload)
        except BaseException:
            if fd >= 0:
                os.close(fd)
            raise
        self._write(ledger, payload, *((fd, True) if fd >= 0 else self._open(False)))

    def _open(self, exists: bool) -> tuple[int, bool]:
        """Return the transcript, open for appending, and whether it existed before.

        Args:
            exists: the expected answer; another process may make or remove the file meanwhile.
        """
        for expected in (exists, not exists):
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                return os.open(self.path, _APPENDING | (0 if expected else _NEW), 0o600), expected
        return os.open(self.path, _APPENDING | os.O_CREAT, 0o600), exists

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        try:
            write_all(fd, payload)
        finally:
            os.close(fd)
        # A file made or removed by another process ends a branch even if the bytes are equal.
        ledger.commit(
            {name: old.plus(payload) for name, old in ledger.branches.items() if old.exists == existed}
        )

    def _exchange(self, ledger: LedgerFile, data: bytes) -> None:
        new = Content.of(data)
        # Exchanged with a symbolic link, the new file would leave the linked one as it is.
        path = follow_links(self.path)
        aside = f"{path}.rewrite.tmp"
        self._write_aside(aside, data)
        with RenameCheck(path) as check:
            ledger.intend_rewrite(new, aside)
            exchange(aside, path)
            with Reading.at(aside) as after:
                loaded = [] if self._loaded is None else [self._loaded]
                after.finish([*ledger.branches.values(), *loaded])
            known = check.is_unchanged(aside)
        # No branch continues if the replaced content is unknown: a process that writes to the old file after
        # the move may have stored into it before, through a mapping, which leaves no trace.
        continued = [name for name, content in ledger.branches.items() if known and after.shows(content)]
        if self._loaded is not None and not (known and after.shows(self._loaded)):
            _put_back(aside, path, not after.exists)
            with Reading.at(aside) as back:
                # If the old file is back, nothing was rewritten.
                ledger.commit(ledger.branches if back.shows(new) else {})
            _unlink(aside)
            self._refuse("changed between its load and its rewrite")
        ledger.commit(dict.fromkeys(continued, new))
        if self._loaded is not None:
            self._loaded = new
        _unlink(aside)

    def _write_aside(self, aside: str, data: bytes) -> None:
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)

    # After a holder that died or failed

    def _resolve_intent(self, ledger: LedgerFile, intent: Intent, reading: Reading) -> None:
        """Find out from the bytes how much of an intended write was done, and record the result."""
        if intent.payload is not None:
            payload = intent.payload
            reading.finish(ledger.branches.values())
            ledger.commit({name: _extended(old, payload, reading) for name, old in ledger.branches.items()})
            return
        assert intent.new is not None
        new = intent.new
        with Reading.at(intent.aside) as aside:
            aside.finish([new, *ledger.branches.values()])
        if aside.shows(new):
            ledger.commit(ledger.branches)
        else:
            ledger.commit({name: new for name, old in ledger.branches.items() if aside.shows(old)})
        _unlink(intent.aside)


def _put_back(aside: str, path: str, nothing_was_there: bool) -> None:
    """Undo an exchange."""
    if nothing_was_there:
        with contextlib.suppress(FileNotFoundError):
            os.rename(path, aside)
    else:
        exchange(aside, path)


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _extended(old: Content, payload: bytes, reading: Reading) -> Content:
    """Return a branch after an append of which an unknown part was written."""
    if not reading.exists:
        return old.plus(payload) if old.exists else old
    rest = reading.behind(old)
    return old.plus(rest if payload.startswith(rest) and reading.begins_with(old) else payload)


def _move_base(ledger: LedgerFile, reading: Reading) -> None:
    """Move the base of the branches that a lane has found in the file to its end.

    The next decision then hashes all bytes before it at once. It is recorded with the write that follows.
    """
    ledger.branches = {
        name: reading.content if content == reading.shown else content
        for name, content in ledger.branches.items()
    }


def _is_far(content: Content) -> bool:
    """Return whether so many bytes are behind the base that a record of another one pays."""
    return content.size - content.base > _FAR


def _any_torn(ledger: LedgerFile) -> bool:
    """Return whether a branch ends in an unfinished line, so that it can only go on with a newline."""
    return any(content.tail for content in ledger.branches.values())


def _is_torn(fd: int) -> bool:
    """Return whether the last byte of a file is no newline."""
    try:
        os.lseek(fd, -1, os.SEEK_END)
    except OSError:
        # The file is empty, or cannot seek.
        return False
    # An empty read: another process has cut the file since the seek. A newline would be a line of its own.
    return os.read(fd, 1) not in (b"", b"\n")
