"""Define a control: the number of a write wraps around, and is then taken for a foreign one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerCountsToEight"]

#: Numbers that fit into the three bits of a record.
_NUMBERS = 8


class LedgerCountsToEight(Control, LedgerFence):
    """Numbers its writes from 1, in a field in which 0 means that another program wrote."""

    about: ClassVar[str] = "control: the number of a write wraps around to that of a foreign one"
    defect: ClassVar[str] = "the number of a write wraps around to that of a foreign one"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "long-session"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._number = 0

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Give the write a number, and call the parent's method unless it is that of a foreign one."""
        self._number = (self._number + 1) % _NUMBERS
        if not self._number:
            raise TakeoverError("write number 0")
        super().guarded_write(entries)
