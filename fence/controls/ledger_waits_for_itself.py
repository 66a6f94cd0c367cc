"""A control: the lock is taken a second time by who holds it."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.ledger_file import Content, LedgerFile
from fence.locks import make_lock

__all__ = ["LedgerWaitsForItself"]


class LedgerWaitsForItself(Control, LedgerFence):
    """Looks once more before it refuses, through a helper that locks.

    The helper is right for everybody who does not hold the lock already.
    """

    about: ClassVar[str] = "control: the lock is taken a second time by who holds it"
    defect: ClassVar[str] = "the lock is taken a second time by who holds it"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "external-script"
    original: ClassVar[str] = "ledger"

    def _decide(self, book: LedgerFile, data: bytes | None) -> Content:
        try:
            return super()._decide(book, data)
        except TakeoverError:
            with make_lock(self.lock_kind, self.path, self.site.options, self.site.process):
                self._look(self.path)
            raise
