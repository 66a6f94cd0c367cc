"""Define a control: the first look after an own write accepts all that was appended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerTrustsAfterOwnWriter"]


class LedgerTrustsAfterOwnWriter(Control, LedgerFence):
    """Compares only the beginning once the runner's own writer has appended.

    The writer may still append when the runner looks; but so may any other program.
    """

    about: ClassVar[str] = "control: the first look after an own write accepts all that was appended"
    defect: ClassVar[str] = "the first look after an own write accepts all that was appended"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "own-writer-then-rogue"
    original: ClassVar[str] = "ledger"

    def append(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method; a second handle of the lane tells the first that it wrote."""
        super().append(entries)
        if not self._branch:
            self.site.process[f"own.{self.site.lane}"] = True

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        expected = ledger.branches.get(self._branch)
        wrote = self.site.process.pop(f"own.{self.site.lane}", False)
        whole = wrote and (reading.data or b"").endswith(b"\n")
        if whole and expected is not None and reading.begins_with(expected):
            ledger.commit({**ledger.branches, self._branch: reading.content})
        return super()._decide(ledger, reading)
