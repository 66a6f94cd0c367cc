"""Define a control: the runner reads the file for its new baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerRefreshedAfterWrite"]


class LedgerRefreshedAfterWrite(Control, LedgerFence):
    """Takes the content that it reads after its own write for the content that it wrote.

    Reading the file back is simpler than computing its content; but it accepts lines that were
    written in between.
    """

    about: ClassVar[str] = "control: the runner reads the file for its new baseline"
    defect: ClassVar[str] = "the runner reads the file for its new baseline"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "write-beside-own-append"
    original: ClassVar[str] = "ledger"

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        super()._write(ledger, payload, fd, existed)
        if self._branch:
            with Reading.at(self.path) as reading:
                ledger.commit({**ledger.branches, self._branch: reading.content})
