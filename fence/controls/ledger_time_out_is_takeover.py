"""Define a control: a lock time-out is reported as a takeover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import LockTimeoutError
from fence.ledger import LedgerFence

__all__ = ["LedgerTimeOutIsTakeover"]


class LedgerTimeOutIsTakeover(Control, LedgerFence):
    """Takes a lock that it could not get for a transcript that it lost.

    Another participant has held the lock for very long, which looks like a takeover.
    """

    about: ClassVar[str] = "control: a lock time-out is reported as a takeover"
    defect: ClassVar[str] = "a lock time-out is reported as a takeover"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "contention"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and report a time-out as a takeover."""
        try:
            super().guarded_write(entries)
        except LockTimeoutError:
            self._refuse("lock time-out")
