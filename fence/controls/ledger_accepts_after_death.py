"""Define a control: the content that a dead holder left is taken for lawful."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_reading import Reading
from fence.locks.flock import FlockLock
from fence.protocol import Site

__all__ = ["LedgerAcceptsAfterDeath"]


class _Lock(FlockLock):
    """An flock with a file beside it that is there while a handle holds the lock."""

    def __init__(self, site: Site, accept: Callable[[], None]) -> None:
        super().__init__(site.transcript, site.options, site.process)
        self._marker = f"{self._path}.held"
        self._accept = accept

    def acquire(self) -> None:
        super().acquire()
        try:
            os.close(os.open(self._marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            self._accept()

    def release(self) -> None:
        if self.held:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._marker)
        super().release()


class LedgerAcceptsAfterDeath(Control, LedgerFence):
    """Notes beside the lock that it is held, and heals the ledger after a holder that died.

    How far that holder came is not known, so that its own lines would be refused; but bytes that a rogue
    wrote before the next lane took the lock become lawful with them.
    """

    about: ClassVar[str] = "control: the content that a dead holder left is taken for lawful"
    defect: ClassVar[str] = "the content that a dead holder left is taken for lawful"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "killed-in-release"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site, self._accept)

    def _accept(self) -> None:
        with self._file(self._ledger, create=False) as ledger:
            if ledger.known:
                with Reading.at(self.path) as reading:
                    ledger.commit(dict.fromkeys(ledger.branches, reading.content))
