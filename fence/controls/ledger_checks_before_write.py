"""A control: who still has the lock just before the write is thought to be safe."""

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
    """Uses a lock that may be robbed, and looks whether it still has it right before each write.

    Who was robbed while it waited for anything else is told in time. Who is stopped between
    the look and the write is not: the process sleeps, the lock is overdue, and the first
    thing that it does when it is woken up is the write.
    """

    about: ClassVar[str] = "control: who still has the lock just before the write is thought to be safe"
    defect: ClassVar[str] = "who still has the lock just before the write is thought to be safe"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "holder-stopped"
    original: ClassVar[str] = "ledger"
    lock_kind: ClassVar[str] = "sidecar"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._robbable = _Lock(site.transcript, site.options, site.process)
        self.lock = self._robbable

    def _append_unwritten(self, payload: bytes) -> None:
        self._robbable.check()
        super()._append_unwritten(payload)

    def _write(self, book: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        try:
            self._robbable.check()
        except BaseException:
            os.close(fd)
            raise
        super()._write(book, payload, fd, existed)
