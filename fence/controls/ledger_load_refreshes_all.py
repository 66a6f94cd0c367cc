"""A control: whoever loads the transcript refreshes everybody's baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import Content, LedgerFile

__all__ = ["LedgerLoadRefreshesAll"]


class LedgerLoadRefreshesAll(Control, LedgerFence):
    """Writes down what a load finds as what everybody expects.

    There is one transcript, so one record of it looks like enough; but one lane's
    knowledge is not another's.
    """

    about: ClassVar[str] = "control: whoever loads the transcript refreshes everybody's baseline"
    defect: ClassVar[str] = "whoever loads the transcript refreshes everybody's baseline"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "laundering-by-compaction"
    original: ClassVar[str] = "ledger"

    def load(self) -> bytes:
        """As its parent, for all branches."""
        data = super().load()
        with LedgerFile(self._ledger, create=False) as book:
            book.commit(dict.fromkeys(book.branches, Content.of(data)))
        return data
