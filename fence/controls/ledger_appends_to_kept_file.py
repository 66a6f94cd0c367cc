"""Define a control: the append uses a descriptor from the load."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerAppendsToKeptFile"]


class LedgerAppendsToKeptFile(Control, LedgerFence):
    """Opens the transcript at its load and always appends there.

    A log keeps its file open. After a lawful compaction has put another file at the path, the reply
    goes into a file that is never read.
    """

    about: ClassVar[str] = "control: the append uses a descriptor from the load"
    defect: ClassVar[str] = "the append uses a descriptor from the load"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compaction-new-file"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._kept = -1

    def load(self) -> bytes:
        """Call the parent's method and keep the file open."""
        data = super().load()
        self._close()
        self._kept = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return data

    def end_turn(self) -> None:
        """Close the file and call the parent's method."""
        self._close()
        super().end_turn()

    def _open(self, exists: bool) -> tuple[int, bool]:
        return super()._open(exists) if self._kept < 0 else (os.dup(self._kept), exists)

    def _close(self) -> None:
        if self._kept >= 0:
            os.close(self._kept)
            self._kept = -1
