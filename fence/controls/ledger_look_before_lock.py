"""Define a control: the file is read before the lock is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.ledger import LedgerFence
from fence.ledger_reading import Reading

__all__ = ["LedgerLookBeforeLock"]


class LedgerLookBeforeLock(Control, LedgerFence):
    """Reads first and takes the lock only for the write.

    The read is the slow part and seems to need no lock, because it writes nothing; but a
    co-tenant's line may come between the two.
    """

    about: ClassVar[str] = "control: the file is read before the lock is taken"
    defect: ClassVar[str] = "the file is read before the lock is taken"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Read, then lock, decide and append."""
        if self._refused:
            raise TakeoverError(f"{self._refused} (reported before)")
        with self._read_for_decision() as reading:
            found = Reading.of(reading.data)
        with self.lock:
            self._decide_and_write(found, entries)
