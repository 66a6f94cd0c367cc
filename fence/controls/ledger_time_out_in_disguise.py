"""Define a control: a takeover is reported as a lock time-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import LockTimeoutError, TakeoverError
from fence.ledger import LedgerFence

__all__ = ["LedgerTimeOutInDisguise"]


class LedgerTimeOutInDisguise(Control, LedgerFence):
    """Maps every failure of a guarded write to the error that callers retry."""

    about: ClassVar[str] = "control: a takeover is reported as a lock time-out"
    defect: ClassVar[str] = "a takeover is reported as a lock time-out"
    caught_by: ClassVar[str] = "false_lock_error"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and report a takeover as a time-out."""
        try:
            super().guarded_write(entries)
        except TakeoverError as error:
            raise LockTimeoutError("busy") from error
