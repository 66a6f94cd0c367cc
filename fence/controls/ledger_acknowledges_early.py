"""Define a control: a write is acknowledged before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerAcknowledgesEarly"]


class LedgerAcknowledgesEarly(Control, LedgerFence):
    """Keeps lines back and writes them with the next call.

    One write for two is faster. Until then readers miss lines that were acknowledged; if the next call is
    refused, they are lost without a report.
    """

    about: ClassVar[str] = "control: a write is acknowledged before it is made"
    defect: ClassVar[str] = "a write is acknowledged before it is made"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "takeover-in-a-later-round"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._kept_back: Sequence[bytes] = ()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Decide, write the lines that were kept back, keep these lines back."""
        due, self._kept_back = self._kept_back, ()
        super().guarded_write(due)
        self._kept_back = tuple(entries)

    def end_turn(self) -> None:
        """Write the lines that were kept back."""
        due, self._kept_back = self._kept_back, ()
        if due and not self._refused:
            super().guarded_write(due)
        super().end_turn()
