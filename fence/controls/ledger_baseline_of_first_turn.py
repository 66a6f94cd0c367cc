"""Define a control: the load of a later turn is no new baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerBaselineOfFirstTurn"]


class LedgerBaselineOfFirstTurn(Control, LedgerFence):
    """Compares in every turn with the load of the first.

    Its own writes extend the baseline, so that it never gets old; but the runner has read other
    writers' lines between two turns by now.
    """

    about: ClassVar[str] = "control: the load of a later turn is no new baseline"
    defect: ClassVar[str] = "the load of a later turn is no new baseline"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def load(self) -> bytes:
        """Call the parent's method, with a new baseline in the first turn only."""
        self._turn_begins = not self._branch
        return super().load()
