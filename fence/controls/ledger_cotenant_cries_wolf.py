"""Define a control: a co-tenant refuses when the file has grown since its last hold."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerCotenantCriesWolf"]


class LedgerCotenantCriesWolf(Control, LedgerFence):
    """Compares the file with its end when this co-tenant last let the lock go.

    The lines that other participants wrote meanwhile are lawful.
    """

    about: ClassVar[str] = "control: a co-tenant refuses when the file has grown since its last hold"
    defect: ClassVar[str] = "a co-tenant refuses when the file has grown since its last hold"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "two-turns-and-a-job"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._end = 0

    def acquire(self) -> None:
        """Call the parent's method and compare the size of the transcript."""
        super().acquire()
        if self._end and os.stat(self.path).st_size != self._end:
            raise TakeoverError("grown since the last write")

    def release(self) -> None:
        """Remember the size of the transcript and call the parent's method."""
        self._end = os.stat(self.path).st_size
        super().release()
