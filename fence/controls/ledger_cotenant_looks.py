"""Define a control: a co-tenant records the file as it reads it, not what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerCotenantLooks"]


class LedgerCotenantLooks(Control, LedgerFence):
    """Refreshes every branch from the file after a co-tenant's append.

    Under the lock the file should hold the result of the lawful writes; but a rogue's change
    becomes lawful by this.
    """

    about: ClassVar[str] = "control: a co-tenant records the file as it reads it, not what it wrote"
    defect: ClassVar[str] = "a co-tenant records the file as it reads it, not what it wrote"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "laundering-by-cotenant"
    original: ClassVar[str] = "ledger"

    def append(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method; a co-tenant then records the file as it reads it."""
        super().append(entries)
        if self._branch:
            return
        with LedgerFile(self._ledger, create=False) as ledger:
            if ledger.known:
                with Reading.at(self.path) as reading:
                    ledger.commit(dict.fromkeys(ledger.branches, reading.content))
