"""Define a control: of a guarded write only the first line is recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import LedgerFile
from fence.transcript import write_all

__all__ = ["LedgerRecordsFirstLine"]


class LedgerRecordsFirstLine(Control, LedgerFence):
    """Records the first line of a reply.

    A reply is one line as a rule; but one with a tool's results has more, which the runner then takes for
    a rogue's.
    """

    about: ClassVar[str] = "control: of a guarded write only the first line is recorded"
    defect: ClassVar[str] = "of a guarded write only the first line is recorded"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "several-lines-at-once"
    original: ClassVar[str] = "ledger"

    _guarded = False

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method, and record the first line alone."""
        self._guarded = True
        try:
            super().guarded_write(entries)
        finally:
            self._guarded = False

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        if not self._guarded:
            super()._write(ledger, payload, fd, existed)
            return
        try:
            write_all(fd, payload)
        finally:
            os.close(fd)
        first = payload[: payload.index(b"\n", 1) + 1]
        ledger.commit(
            {name: old.plus(first) for name, old in ledger.branches.items() if old.exists == existed}
        )
