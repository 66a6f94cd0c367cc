"""Define a control: each load refreshes the baselines of all lanes."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile

__all__ = ["LedgerLoadRefreshesAll"]


class LedgerLoadRefreshesAll(Control, LedgerFence):
    """Records the loaded content as the expectation of all lanes.

    There is one transcript, so one record of it looks sufficient; but one lane's knowledge is not
    another's.
    """

    about: ClassVar[str] = "control: each load refreshes the baselines of all lanes"
    defect: ClassVar[str] = "each load refreshes the baselines of all lanes"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "laundering-by-compaction"
    original: ClassVar[str] = "ledger"

    def load(self) -> bytes:
        """Call the parent's method and set all branches."""
        data = super().load()
        with LedgerFile(self._ledger, create=False) as ledger:
            ledger.commit(dict.fromkeys(ledger.branches, Content.of(data)))
        return data
