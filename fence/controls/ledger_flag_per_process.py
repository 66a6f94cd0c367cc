"""Define a control: the flag belongs to the process and not to the runner."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerFlagPerProcess"]


class LedgerFlagPerProcess(Control, LedgerFence):
    """Keeps one flag for all runners of its process.

    The takeover of the transcript seems to concern them all; but a runner that has loaded it since
    knows its content.
    """

    about: ClassVar[str] = "control: the flag belongs to the process and not to the runner"
    defect: ClassVar[str] = "the flag belongs to the process and not to the runner"
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
