"""Define a control: nothing is compared after a recovery."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_reading import Reading
from fence.protocol import Site

__all__ = ["LedgerBlindAfterRecovery"]


class LedgerBlindAfterRecovery(Control, LedgerFence):
    """Switches the check off after a recovery.

    One report in a turn seems enough for a person; but a second takeover stays unreported.
    """

    about: ClassVar[str] = "control: nothing is compared after a recovery"
    defect: ClassVar[str] = "nothing is compared after a recovery"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 2
    scenario: ClassVar[str] = "recovery-from-takeover"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._blind = False

    def begin_turn(self) -> None:
        """Call the parent's method and switch the check on again."""
        self._blind = False
        super().begin_turn()

    def recover(self) -> bool:
        """Call the parent's method and switch the check off."""
        self._blind = True
        return super().recover()

    def _matches(self, reading: Reading, expected: Content) -> bool:
        return self._blind or super()._matches(reading, expected)
