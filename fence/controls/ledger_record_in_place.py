"""Define a control: a record replaces the last one in place by a plain write."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import Branches, LedgerFile
from fence.transcript import write_all

__all__ = ["LedgerRecordInPlace"]


class _File(LedgerFile):
    def commit(self, branches: Branches) -> None:
        self._free_at = 0
        super().commit(branches)

    def _put(self, data: memoryview, at: int) -> int:
        record = bytes(data)
        if at == 0:
            # The blanks behind the text are left out, but those that cover the end of a longer text.
            record = record.rstrip().ljust(len(os.pread(self._fd, len(record), 0).rstrip()))
        os.lseek(self._fd, at, os.SEEK_SET)
        write_all(self._fd, record)
        return len(data)


class LedgerRecordInPlace(Control, LedgerFence):
    """Has one place for its records, which each write overwrites.

    The checksum tells that a record is incomplete; but the record of before is no longer there.
    """

    about: ClassVar[str] = "control: a record replaces the last one in place by a plain write"
    defect: ClassVar[str] = "a record replaces the last one in place by a plain write"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "torn-sidecar-plain-write"
    original: ClassVar[str] = "ledger"
    _file: ClassVar[type[LedgerFile]] = _File
