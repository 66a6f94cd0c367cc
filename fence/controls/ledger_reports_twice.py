"""Define a control: the end of a turn reports a takeover that its guarded write has reported."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence

__all__ = ["LedgerReportsTwice"]


class LedgerReportsTwice(Control, LedgerFence):
    """Raises at the end of a refused turn, so that callers cannot overlook the verdict.

    The caller cleans up in a handler of the first report, where a second one is an error of its own.
    """

    about: ClassVar[str] = "control: the end of a turn reports a takeover that its guarded write has reported"
    defect: ClassVar[str] = "the end of a turn reports a takeover that its guarded write has reported"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def end_turn(self) -> None:
        """Call the parent's method and report again."""
        super().end_turn()
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
