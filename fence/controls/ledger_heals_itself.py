"""Define a control: the fence recovers from a takeover without a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence

__all__ = ["LedgerHealsItself"]


class LedgerHealsItself(Control, LedgerFence):
    """Accepts the current content and writes all the same.

    Users lost replies by refusals, so the fence recovers for them; but no takeover is reported any
    more.
    """

    about: ClassVar[str] = "control: the fence recovers from a takeover without a report"
    defect: ClassVar[str] = "the fence recovers from a takeover without a report"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "external-script"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method, with a second attempt."""
        try:
            super().guarded_write(entries)
        except TakeoverError:
            self.recover()
            super().guarded_write(entries)
