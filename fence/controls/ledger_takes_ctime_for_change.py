"""Define a control: the same bytes with another ctime are refused."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading
from fence.protocol import Site
from fence.statx import statx

__all__ = ["LedgerTakesCtimeForChange"]


class LedgerTakesCtimeForChange(Control, LedgerFence):
    """Refuses if ctime changed but the bytes did not.

    A changed ctime seems to prove a writer. A backup or chmod changes it too.
    """

    about: ClassVar[str] = "control: the same bytes with another ctime are refused"
    defect: ClassVar[str] = "the same bytes with another ctime are refused"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "metadata-drift"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._seen: tuple[Content, int] | None = None

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        super()._write(ledger, payload, fd, existed)
        if self._branch:
            self._seen = ledger.branches[self._branch], statx(self.path).ctime_ns

    def _matches(self, reading: Reading, expected: Content) -> bool:
        same = super()._matches(reading, expected)
        alike = self._seen is not None and self._seen[0] == expected
        return same and not (alike and self._seen != (expected, self._ctime()))

    def _ctime(self) -> int:
        return statx(self.path).ctime_ns
