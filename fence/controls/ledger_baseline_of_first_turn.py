"""A control: the load of a later turn is no new baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerBaselineOfFirstTurn"]


class LedgerBaselineOfFirstTurn(Control, LedgerFence):
    """Measures every turn by the load of the first.

    Its own writes are followed, so that the baseline never gets old; but what somebody
    wrote between two turns the runner has read by now.
    """

    about: ClassVar[str] = "control: the load of a later turn is no new baseline"
    defect: ClassVar[str] = "the load of a later turn is no new baseline"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def load(self) -> bytes:
        """As its parent, in the first turn."""
        self._turn_begins = not self._branch
        return super().load()
