"""Define a control: the decision reads a descriptor from the load."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_reading import Reading
from fence.protocol import Site
from fence.transcript import read_fd

__all__ = ["LedgerLooksAtKeptFile"]


class LedgerLooksAtKeptFile(Control, LedgerFence):
    """Opens the transcript at its load and always reads from there.

    Opening costs time, and a path can be replaced while a descriptor cannot; but the descriptor
    goes on showing a file that is no longer at the path.
    """

    about: ClassVar[str] = "control: the decision reads a descriptor from the load"
    defect: ClassVar[str] = "the decision reads a descriptor from the load"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "saved-by-an-editor"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._kept = -1

    def load(self) -> bytes:
        """Call the parent's method and keep the file open."""
        data = super().load()
        self._close()
        self._kept = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return data

    def end_turn(self) -> None:
        """Close the file and call the parent's method."""
        self._close()
        super().end_turn()

    def _read_for_decision(self) -> Reading:
        if self._kept < 0:
            return super()._read_for_decision()
        os.lseek(self._kept, 0, os.SEEK_SET)
        return Reading.of(read_fd(self._kept))

    def _close(self) -> None:
        if self._kept >= 0:
            os.close(self._kept)
            self._kept = -1
