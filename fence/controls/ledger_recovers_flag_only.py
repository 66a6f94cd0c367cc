"""Define a control: recovery clears the flag and keeps the baseline."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerRecoversFlagOnly"]


class LedgerRecoversFlagOnly(Control, LedgerFence):
    """Reports a recovery, and compares with the old content again.

    The flag looks like the only cause of the refusal; the baseline refuses too, which shows only at
    the next write.
    """

    about: ClassVar[str] = "control: recovery clears the flag and keeps the baseline"
    defect: ClassVar[str] = "recovery clears the flag and keeps the baseline"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "recovery-from-takeover"
    original: ClassVar[str] = "ledger"

    def recover(self) -> bool:
        """Forget the verdict."""
        self._refused = ""
        return True
