"""Define a control: each line has a check and a write of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_reading import Reading

__all__ = ["LedgerChecksEachLine"]


class LedgerChecksEachLine(Control, LedgerFence):
    """Writes line by line, and looks before each.

    More looks seem to see more; but a refusal then comes after lines that stand in the transcript.
    """

    about: ClassVar[str] = "control: each line has a check and a write of its own"
    defect: ClassVar[str] = "each line has a check and a write of its own"
    caught_by: ClassVar[str] = "refused_write"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "several-lines-at-once"
    original: ClassVar[str] = "ledger"

    def _decide_and_write(self, reading: Reading, entries: Sequence[bytes]) -> None:
        super()._decide_and_write(reading, entries[:1])
        for entry in entries[1:]:
            with self._read_for_decision() as again:
                super()._decide_and_write(again, [entry])
