"""Define a control: a change between two turns is reported at the load of the second one."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerRefusesAtLoad"]


class LedgerRefusesAtLoad(Control, LedgerFence):
    """Compares the file at a load with the end of the turn before.

    A load is the first look of its turn, so nothing that it finds can be a takeover.
    """

    about: ClassVar[str] = "control: a change between two turns is reported at the load of the second one"
    defect: ClassVar[str] = "a change between two turns is reported at the load of the second one"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "two-turns-and-a-job"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._end = 0

    def load(self) -> bytes:
        """Call the parent's method and compare what it read with the end of the last turn."""
        data = super().load()
        if self._end and len(data) != self._end:
            raise TakeoverError("grown since the last turn")
        return data

    def end_turn(self) -> None:
        """Remember the size of the transcript and call the parent's method."""
        self._end = os.stat(self.path).st_size
        super().end_turn()
