"""Define a control: only the last eight writes are kept."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading

__all__ = ["LedgerKeepsEightWrites"]

_KEPT = 8
#: An intent and what came of it.
_RECORDS_PER_WRITE = 2


class LedgerKeepsEightWrites(Control, LedgerFence):
    """Drops a content once eight writes were recorded after the load that found it.

    A log needs an end, and a turn seldom sees more than one write of others; but a busy gateway writes more
    often while a model thinks, and the runner then finds nothing to compare with.
    """

    about: ClassVar[str] = "control: only the last eight writes are kept"
    defect: ClassVar[str] = "only the last eight writes are kept"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "eight-writes-in-one-window"
    original: ClassVar[str] = "ledger"

    def _rebase(self, reading: Reading) -> None:
        super()._rebase(reading)
        with LedgerFile(self._ledger, create=False) as ledger:
            self._since = _records(ledger)

    def _decide(self, ledger: LedgerFile, reading: Reading) -> Content:
        if _records(ledger) - self._since > _KEPT * _RECORDS_PER_WRITE:
            self._refuse("not among the writes that are kept")
        return super()._decide(ledger, reading)


def _records(ledger: LedgerFile) -> int:
    """Return how many records were made, which is in the name of the next branch."""
    return int(ledger.next_name[1:].partition(".")[0])
