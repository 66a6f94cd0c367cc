"""Define a control: a takeover is reported as a stale lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import StaleLockError, TakeoverError
from fence.ledger import LedgerFence

__all__ = ["LedgerStaleInDisguise"]


class LedgerStaleInDisguise(Control, LedgerFence):
    """Says that the lock was lost when the transcript was."""

    about: ClassVar[str] = "control: a takeover is reported as a stale lock"
    defect: ClassVar[str] = "a takeover is reported as a stale lock"
    caught_by: ClassVar[str] = "false_lock_error"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-then-next-turn"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and report a takeover as a stale lock."""
        try:
            super().guarded_write(entries)
        except TakeoverError as error:
            raise StaleLockError("lost") from error
