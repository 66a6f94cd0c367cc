"""Define a control: the ledger belongs to the process and not to the transcript."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerPerProcess"]


class LedgerPerProcess(Control, LedgerFence):
    """Keeps a ledger for each process.

    All writers were lanes of one gateway when it was written; but a job in another process writes
    into a ledger that the runner never reads.
    """

    about: ClassVar[str] = "control: the ledger belongs to the process and not to the transcript"
    defect: ClassVar[str] = "the ledger belongs to the process and not to the transcript"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        first = site.process.setdefault("ledger.first", site.lane)
        self._ledger = f"{site.transcript}.{first}.ledger"
