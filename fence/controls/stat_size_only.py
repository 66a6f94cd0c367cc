"""Define a control: only the size is compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["StatSizeOnly"]


class StatSizeOnly(Control, StatFence):
    """Compares only the size of all stat fields.

    Time stamps raise false alarms, and a transcript that was written to is longer.
    """

    about: ClassVar[str] = "control: only the size is compared"
    defect: ClassVar[str] = "only the size is compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "stat-2026.5.17"

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        if baseline.size != now.size:
            super()._differs(baseline, now)
