"""Define a control: co-tenants record their writes without the lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_file import LedgerFile
from fence.protocol import Site
from fence.transcript import append_lines

__all__ = ["LedgerWrittenAfterUnlock"]


class LedgerWrittenAfterUnlock(Control, LedgerFence):
    """Releases the lock before it updates the ledger.

    The lock seems to guard the transcript alone, and the ledger is another file.
    """

    about: ClassVar[str] = "control: co-tenants record their writes without the lock"
    defect: ClassVar[str] = "co-tenants record their writes without the lock"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._owed = b""

    def append(self, entries: Sequence[bytes]) -> None:
        """Append and record as a runner; record later as any other participant."""
        if self._branch:
            super().append(entries)
            return
        append_lines(self.path, entries)
        self._owed += b"".join(entries)

    def release(self) -> None:
        """Release the lock, then record the append."""
        super().release()
        owed, self._owed = self._owed, b""
        with LedgerFile(self._ledger, create=False) as ledger:
            if owed and ledger.known:
                ledger.commit({name: old.plus(owed) for name, old in ledger.branches.items()})
