"""Define a control: the first look after an own write takes what it finds for the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import Content, LedgerFile

__all__ = ["LedgerTrustsAfterOwnWriter"]


class LedgerTrustsAfterOwnWriter(Control, LedgerFence):
    """Compares before the runner's own writer appends, and not at the look after that.

    The content before the append is right then; but the next one that is read may have more in it.
    """

    about: ClassVar[str] = "control: the first look after an own write takes what it finds for the baseline"
    defect: ClassVar[str] = "the first look after an own write takes what it finds for the baseline"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "own-writer-then-rogue"
    original: ClassVar[str] = "ledger"

    def append(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method; a second handle of the lane tells the first that all was as expected."""
        as_expected = not self._branch and self._finds_what_it_expects()
        super().append(entries)
        if as_expected:
            self.site.process[f"own.{self.site.lane}"] = True

    def _finds_what_it_expects(self) -> bool:
        found = Content.of(self._read_path(self.path))
        with LedgerFile(self._ledger, create=False) as ledger:
            return ledger.branches.get(self.site.process.get(f"branch.{self.site.lane}", "")) == found

    def _rebase(self, data: bytes | None, found: Content) -> None:
        super()._rebase(data, found)
        self.site.process[f"branch.{self.site.lane}"] = self._branch

    def _decide_and_write(self, data: bytes | None, entries: Sequence[bytes]) -> None:
        if self.site.process.pop(f"own.{self.site.lane}", False):
            self._rebase(data, Content.of(data))
        super()._decide_and_write(data, entries)
