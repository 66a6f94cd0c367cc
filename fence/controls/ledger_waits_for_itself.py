"""Define a control: the holder of the lock takes it a second time."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading
from fence.locks import make_lock

__all__ = ["LedgerWaitsForItself"]


class LedgerWaitsForItself(Control, LedgerFence):
    """Reads once more before it refuses, through a helper that takes the lock.

    The helper is correct for every caller that does not hold the lock already.
    """

    about: ClassVar[str] = "control: the holder of the lock takes it a second time"
    defect: ClassVar[str] = "the holder of the lock takes it a second time"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "external-script"
    original: ClassVar[str] = "ledger"

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        try:
            return super()._decide(ledger, reading)
        except TakeoverError:
            with make_lock(self.lock_kind, self.path, self.site.options, self.site.process):
                Reading.at(self.path).close()
            raise
