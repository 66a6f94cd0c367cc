"""Define a control: an unfinished last line is not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_reading import Reading

__all__ = ["LedgerIgnoresTornLine"]


class LedgerIgnoresTornLine(Control, LedgerFence):
    """Compares whole lines only.

    A reader skips a line without its newline, so the line seems not to be there yet.
    """

    about: ClassVar[str] = "control: an unfinished last line is not compared"
    defect: ClassVar[str] = "an unfinished last line is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-canonical-entries"
    original: ClassVar[str] = "ledger"

    def _matches(self, reading: Reading, expected: Content) -> bool:
        data = reading.data
        if data is None or expected.tail:
            return super()._matches(reading, expected)
        return super()._matches(Reading.of(data[: data.rfind(b"\n") + 1]), expected)
