"""Define a control: ctime is not compared."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["StatWithoutCtime"]


class StatWithoutCtime(Control, StatFence):
    """Leaves ctime out.

    It changes with each chmod and each hard link; but it is the one stamp that no program can set.
    """

    about: ClassVar[str] = "control: ctime is not compared"
    defect: ClassVar[str] = "ctime is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "stat-2026.5.17"

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        if dataclasses.replace(baseline, ctime_ns=0) != dataclasses.replace(now, ctime_ns=0):
            super()._differs(baseline, now)
