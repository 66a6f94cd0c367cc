"""Define a control: the epoch belongs to the process and not to the transcript."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84149 import Pr84149Fence
from fence.protocol import Site

__all__ = ["OneEpoch"]


class OneEpoch(Control, Pr84149Fence):
    """Counts the holds of all locks of the process.

    A gateway had one session when it was written; now a hold for another session forgives what a rogue did
    to this one.
    """

    about: ClassVar[str] = "control: the epoch belongs to the process and not to the transcript"
    defect: ClassVar[str] = "the epoch belongs to the process and not to the transcript"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "two-transcripts"
    original: ClassVar[str] = "pr-84149"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._epochs = site.process.setdefault("pr84149.epoch", {})

    def _take_lock(self) -> None:
        self.lock.acquire()
        self._epochs[""] = self._epoch() + 1

    def _epoch(self) -> int:
        return self._epochs.get("", 0)
