"""Define a control: a reply after more than an hour is reported as a takeover."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.protocol import Site

__all__ = ["LedgerLateIsTakeover"]

_LATE_S = 3600.0


class LedgerLateIsTakeover(Control, LedgerFence):
    """Believes a load for an hour only.

    No model thinks for so long, so another writer seems certain after that. But the turn of a
    closed laptop takes a night.
    """

    about: ClassVar[str] = "control: a reply after more than an hour is reported as a takeover"
    defect: ClassVar[str] = "a reply after more than an hour is reported as a takeover"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "laptop-closed"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._read_s = 0.0

    def load(self) -> bytes:
        """Call the parent's method and remember the time."""
        self._read_s = time.time()
        return super().load()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method, if not too late."""
        if time.time() - self._read_s > _LATE_S:
            self._refuse("read more than an hour ago")
        super().guarded_write(entries)
