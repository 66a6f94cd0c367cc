"""Define a control: a refusal does not release the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.locks import make_lock

__all__ = ["LedgerLockLeftBehind"]


class LedgerLockLeftBehind(Control, LedgerFence):
    """Releases the lock at the end of a successful write, and only there.

    A fresh handle for each write cannot be outdated, but when the decision raises, no code is left
    that could release it.
    """

    about: ClassVar[str] = "control: a refusal does not release the lock"
    defect: ClassVar[str] = "a refusal does not release the lock"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "takeover-and-cotenant"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, decide, append, unlock, without a `finally`."""
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
        lock = make_lock(self.lock_kind, self.path, self.site.options, self.site.process)
        lock.acquire()
        self._decide_and_write(self._read_for_decision(), entries)
        lock.release()
