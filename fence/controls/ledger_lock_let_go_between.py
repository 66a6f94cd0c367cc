"""Define a control: the lock is released between the check and the append."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerLockLetGoBetween"]


class LedgerLockLetGoBetween(Control, LedgerFence):
    """Checks under the lock, and takes it again to append.

    Two helpers each take the lock for themselves: the content that the first one read is outdated
    in the second, and the co-tenant's record is lost.
    """

    about: ClassVar[str] = "control: the lock is released between the check and the append"
    defect: ClassVar[str] = "the lock is released between the check and the append"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        expected = super()._decide(ledger, reading)
        self.lock.release()
        self.lock.acquire()
        return expected
