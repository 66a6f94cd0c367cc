"""A control: the flag is the process's and not the runner's."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerFlagPerProcess"]


class LedgerFlagPerProcess(Control, LedgerFence):
    """Keeps one flag for all runners of its process.

    The transcript was taken over, so it seems to concern them all; but who has loaded it
    since knows what is there.
    """

    about: ClassVar[str] = "control: the flag is the process's and not the runner's"
    defect: ClassVar[str] = "the flag is the process's and not the runner's"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "two-runners-one-takeover"
    original: ClassVar[str] = "ledger"

    @property
    def _refused(self) -> str:
        refused: str = self.site.process.get("ledger.refused", "")
        return refused

    @_refused.setter
    def _refused(self, check: str) -> None:
        if check:
            self.site.process["ledger.refused"] = check
