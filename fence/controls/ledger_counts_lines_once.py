"""Define a control: a line that is there already is not counted again."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerCountsLinesOnce"]


class LedgerCountsLinesOnce(Control, LedgerFence):
    """Compares the lines without repetitions.

    Lines have unique ids, so that the set of their hashes seems to be enough; but a message that is there
    twice was sent twice.
    """

    about: ClassVar[str] = "control: a line that is there already is not counted again"
    defect: ClassVar[str] = "a line that is there already is not counted again"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "line-repeated"
    original: ClassVar[str] = "ledger"

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        if reading.data is None:
            return super()._decide(ledger, reading)
        *lines, rest = reading.data.split(b"\n")
        once = b"".join([line + b"\n" for line in dict.fromkeys(lines)]) + rest
        return super()._decide(ledger, Reading.of(once))
