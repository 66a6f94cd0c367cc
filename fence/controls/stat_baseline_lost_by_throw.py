"""Define a control: no baseline is taken when the call fails after its append."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site
from fence.stat_2026_5_17 import Fingerprint, StatFence
from fence.transcript import append_lines

__all__ = ["StatBaselineLostByThrow"]


class StatBaselineLostByThrow(Control, StatFence):
    """Accepts the new fingerprint only if the whole call succeeded.

    State is updated at the end, as in a transaction; but the append is not undone if the lock turns
    out to be lost at its release.
    """

    about: ClassVar[str] = "control: no baseline is taken when the call fails after its append"
    defect: ClassVar[str] = "no baseline is taken when the call fails after its append"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "robbed-after-append"
    original: ClassVar[str] = "stat-2026.5.17"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._next: Fingerprint | None = None

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and set the baseline at the end."""
        super().guarded_write(entries)
        self._baseline = self._next

    def _write(self, entries: Sequence[bytes]) -> None:
        append_lines(self.path, entries)
        self._next = Fingerprint.of(self.path)
