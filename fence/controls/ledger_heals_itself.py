"""A control: a takeover is recovered from without a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence

__all__ = ["LedgerHealsItself"]


class LedgerHealsItself(Control, LedgerFence):
    """Takes in what is there and writes all the same.

    Users lost replies by refusals, so the fence recovers for them; nobody is told any
    more.
    """

    about: ClassVar[str] = "control: a takeover is recovered from without a word"
    defect: ClassVar[str] = "a takeover is recovered from without a word"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "external-script"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """As its parent, with a second attempt."""
        try:
            super().guarded_write(entries)
        except TakeoverError:
            self.recover()
            super().guarded_write(entries)
