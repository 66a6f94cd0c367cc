"""A control: co-tenants do not write down what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.transcript import append_lines

__all__ = ["LedgerCotenantSilent"]


class LedgerCotenantSilent(Control, LedgerFence):
    """Has the runner alone keep the ledger.

    The fence was built into the runner; heartbeats and jobs kept their own plain append.
    """

    about: ClassVar[str] = "control: co-tenants do not write down what they wrote"
    defect: ClassVar[str] = "co-tenants do not write down what they wrote"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def append(self, entries: Sequence[bytes]) -> None:
        """Write it down for a runner, simply append for anybody else."""
        if self._branch:
            super().append(entries)
        else:
            append_lines(self.path, entries)
