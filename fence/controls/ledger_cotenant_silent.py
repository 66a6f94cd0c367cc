"""Define a control: co-tenants do not record their writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.transcript import append_lines

__all__ = ["LedgerCotenantSilent"]


class LedgerCotenantSilent(Control, LedgerFence):
    """Lets only the runner write the ledger.

    The fence was built into the runner; heartbeats and jobs kept their own plain append.
    """

    about: ClassVar[str] = "control: co-tenants do not record their writes"
    defect: ClassVar[str] = "co-tenants do not record their writes"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def append(self, entries: Sequence[bytes]) -> None:
        """Append and record as a runner, append plainly as any other participant."""
        if self._branch:
            super().append(entries)
        else:
            append_lines(self.path, entries)
