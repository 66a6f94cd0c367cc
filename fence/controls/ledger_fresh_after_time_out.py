"""Define a control: a lock time-out drops the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import LockTimeoutError
from fence.ledger import LedgerFence

__all__ = ["LedgerFreshAfterTimeOut"]


class LedgerFreshAfterTimeOut(Control, LedgerFence):
    """Takes a new baseline for the write after a time-out.

    Another participant held the lock and may have written, so that the old baseline seems outdated;
    but the new one contains what a rogue wrote meanwhile.
    """

    about: ClassVar[str] = "control: a lock time-out drops the baseline"
    defect: ClassVar[str] = "a lock time-out drops the baseline"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "time-out-and-rogue"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and forget the branch after a time-out."""
        try:
            super().guarded_write(entries)
        except LockTimeoutError:
            self._branch = ""
            raise
