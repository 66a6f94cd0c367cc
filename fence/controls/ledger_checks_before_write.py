"""Define a control: a lock that is held just before the write is taken to be held during it."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import StaleLockError
from fence.ledger import LedgerFence
from fence.ledger_file import LedgerFile
from fence.locks.sidecar import Payload, SidecarLock
from fence.protocol import Site

__all__ = ["LedgerChecksBeforeWrite"]


class _Lock(SidecarLock):
    def check(self) -> None:
        data = self._read()
        if data is None or Payload.decode(data) != self._mine:
            raise StaleLockError(f"{self._path}: reclaimed by somebody else while it was held here")


class LedgerChecksBeforeWrite(Control, LedgerFence):
    """Uses a lock that may be reclaimed, and checks it right before each write.

    A handle that lost the lock during any earlier wait finds out in time. A handle that is stopped
    between the check and the write does not: the process sleeps, the lock exceeds its time, and the
    first thing that the process does when it wakes up is the write.
    """

    about: ClassVar[str] = "control: a lock held just before the write is taken to be held during it"
    defect: ClassVar[str] = "a lock held just before the write is taken to be held during it"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "holder-stopped"
    original: ClassVar[str] = "ledger"
    lock_kind: ClassVar[str] = "sidecar"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._robbable = _Lock(site.transcript, site.options, site.process)
        self.lock = self._robbable

    def _append_unrecorded(self, payload: bytes) -> None:
        self._robbable.check()
        super()._append_unrecorded(payload)

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        try:
            self._robbable.check()
        except BaseException:
            os.close(fd)
            raise
        super()._write(ledger, payload, fd, existed)
