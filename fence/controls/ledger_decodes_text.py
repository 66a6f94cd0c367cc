"""Define a control: bytes that are no UTF-8 are not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerDecodesText"]


class LedgerDecodesText(Control, LedgerFence):
    """Decodes the transcript before it compares, and leaves out what is no text.

    JSON is text in UTF-8; but a file has bytes.
    """

    about: ClassVar[str] = "control: bytes that are no UTF-8 are not compared"
    defect: ClassVar[str] = "bytes that are no UTF-8 are not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "bytes-no-text"
    original: ClassVar[str] = "ledger"

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        text = None if reading.data is None else reading.data.decode(errors="ignore")
        return super()._decide(ledger, Reading.of(None if text is None else text.encode()))
