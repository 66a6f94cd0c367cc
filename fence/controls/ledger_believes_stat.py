"""Define a control: the bytes are not compared while stat is the same."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading
from fence.protocol import Site
from fence.statx import FileStat, statx

__all__ = ["LedgerBelievesStat"]


class LedgerBelievesStat(Control, LedgerFence):
    """Admits without a comparison if stat is as after its own last write.

    Reading the whole transcript is expensive, and a write changes the time stamp. A store through
    a mapping does not.
    """

    about: ClassVar[str] = "control: the bytes are not compared while stat is the same"
    defect: ClassVar[str] = "the bytes are not compared while stat is the same"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "mmap-store-dirty"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._stat: FileStat | None = None

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        super()._write(ledger, payload, fd, existed)
        self._stat = statx(self.path)

    def _matches(self, reading: Reading, expected: Content) -> bool:
        same = self._stat is not None and statx(self.path) == self._stat
        return same or super()._matches(reading, expected)
