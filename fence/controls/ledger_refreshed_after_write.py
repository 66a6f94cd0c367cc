"""A control: the runner looks at the file for its new baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import Content, LedgerFile

__all__ = ["LedgerRefreshedAfterWrite"]


class LedgerRefreshedAfterWrite(Control, LedgerFence):
    """Takes what it finds after its own write for what it wrote.

    Reading the file back is simpler than working out what it must be; whoever wrote in
    between is taken in.
    """

    about: ClassVar[str] = "control: the runner looks at the file for its new baseline"
    defect: ClassVar[str] = "the runner looks at the file for its new baseline"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "write-beside-own-append"
    original: ClassVar[str] = "ledger"

    def _write(self, book: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        super()._write(book, payload, fd, existed)
        if self._branch:
            found = Content.of(self._look(self.path))
            book.commit({**book.branches, self._branch: found})
