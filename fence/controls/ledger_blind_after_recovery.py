"""A control: after a recovery nothing is compared any more."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import Content
from fence.protocol import Site

__all__ = ["LedgerBlindAfterRecovery"]


class LedgerBlindAfterRecovery(Control, LedgerFence):
    """Switches the check off when it has recovered.

    One report a turn is enough for a person; the second takeover is nobody's business.
    """

    about: ClassVar[str] = "control: after a recovery nothing is compared any more"
    defect: ClassVar[str] = "after a recovery nothing is compared any more"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 2
    scenario: ClassVar[str] = "recovery-from-takeover"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._blind = False

    def begin_turn(self) -> None:
        """As its parent; the check is on again."""
        self._blind = False
        super().begin_turn()

    def recover(self) -> bool:
        """As its parent, and look no more."""
        self._blind = True
        return super().recover()

    def _matches(self, found: Content, expected: Content) -> bool:
        return self._blind or super()._matches(found, expected)
