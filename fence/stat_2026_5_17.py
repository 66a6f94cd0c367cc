"""Implement the first released fence: a stat fingerprint that tolerates no change."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import ClassVar, NoReturn

from fence.errors import LockTimeoutError, TakeoverError
from fence.protocol import Fence, Site
from fence.transcript import append_lines

__all__ = ["Fingerprint", "StatFence"]


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """The result of stat for the file behind a path.

    Args:
        dev, ino: identity of the file, 0 if there is none.
        size: bytes, -1 if there is no file.
        mtime_ns, ctime_ns: nanoseconds since 1970.
    """

    dev: int = 0
    ino: int = 0
    size: int = -1
    mtime_ns: int = 0
    ctime_ns: int = 0

    @staticmethod
    def of(path: str) -> Fingerprint:
        """Return the fingerprint of a path, with one system call."""
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return Fingerprint()
        return Fingerprint(
            status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
        )


class StatFence(Fence):
    """Refuses if stat differs from its result when the lock was released.

    Source: OpenClaw 2026.5.17, from its description in issue #84071. The fingerprint is taken just
    before the lock is released and again after each guarded write. Any difference is a takeover, also
    one by a co-tenant under the lock. The verdict is sticky, and a lock time-out sets it too; only the
    next turn clears it.

    It does not catch a write between load and release, nor one between its last look and the
    fingerprint after its own append (both become part of the new baseline), nor a change of equal size
    inside one tick of the file's clock, nor a store through a mapping. It reports chmod, touch and
    hard links as takeovers.
    """

    about: ClassVar[str] = "stat fingerprint with a sticky flag, OpenClaw 2026.5.17"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._baseline: Fingerprint | None = None
        self._verdict = ""

    def begin_turn(self) -> None:
        """Forget the last turn's verdict and take the lock."""
        self._verdict = ""
        self._baseline = None
        self._take_lock()

    def acquire(self) -> None:
        """Take the lock as a co-tenant."""
        self._take_lock()

    def release_for_prompt(self) -> None:
        """Take the fingerprint, then release the lock."""
        try:
            self._remember()
        except BaseException:
            self.lock.release_if_held()
            raise
        self.lock.release()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, compare, append, take the new fingerprint, unlock."""
        if self._verdict:
            raise TakeoverError(f"{self._verdict} (reported before)")
        try:
            self._take_lock()
        except LockTimeoutError:
            self._verdict = "lock time-out"
            raise
        try:
            self._check()
            self._write(entries)
        except BaseException:
            self.lock.release_if_held()
            raise
        self.lock.release()

    def end_turn(self) -> None:
        """Release the lock; after a takeover nothing is flushed, because this fence buffers nothing."""
        self.lock.release_if_held()

    # Separate methods, so that a subclass can override each one

    def _take_lock(self) -> None:
        self.lock.acquire()

    def _remember(self) -> None:
        self._baseline = Fingerprint.of(self.path)

    def _check(self) -> None:
        now = Fingerprint.of(self.path)
        if self._baseline is not None and now != self._baseline:
            self._differs(self._baseline, now)

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        names = [field.name for field in dataclasses.fields(Fingerprint)]
        self._refuse("stat: " + ", ".join(n for n in names if getattr(baseline, n) != getattr(now, n)))

    def _write(self, entries: Sequence[bytes]) -> None:
        append_lines(self.path, entries)
        self._remember()

    def _refuse(self, check: str) -> NoReturn:
        self._verdict = check
        raise TakeoverError(check)
