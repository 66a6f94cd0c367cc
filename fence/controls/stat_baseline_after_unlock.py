"""A control: the baseline is taken when the lock is gone already."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import StatFence

__all__ = ["StatBaselineAfterUnlock"]


class StatBaselineAfterUnlock(Control, StatFence):
    """Lets the lock go, then takes the fingerprint.

    A lock should be held for as short a time as can be, and a stat needs none.
    """

    about: ClassVar[str] = "control: the baseline is taken when the lock is gone already"
    defect: ClassVar[str] = "the baseline is taken when the lock is gone already"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "write-after-release"
    original: ClassVar[str] = "stat-2026.5.17"

    def release_for_prompt(self) -> None:
        """Let the lock go, then take the fingerprint."""
        self.lock.release()
        self._remember()
