"""Define a control: the flag is not cleared at the next turn."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerFlagKeptOverTurns"]


class LedgerFlagKeptOverTurns(Control, LedgerFence):
    """Refuses forever after its first refusal.

    The handle lives as long as the session, and its flag is never reset.
    """

    about: ClassVar[str] = "control: the flag is not cleared at the next turn"
    defect: ClassVar[str] = "the flag is not cleared at the next turn"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def begin_turn(self) -> None:
        """Call the parent's method but keep the verdict."""
        refused = self._refused
        super().begin_turn()
        self._refused = refused
