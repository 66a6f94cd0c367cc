"""Define a control: the baseline is taken after the lock is released."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import StatFence

__all__ = ["StatBaselineAfterUnlock"]


class StatBaselineAfterUnlock(Control, StatFence):
    """Releases the lock, then takes the fingerprint.

    A lock should be held for as short a time as possible, and a stat seems to need none.
    """

    about: ClassVar[str] = "control: the baseline is taken after the lock is released"
    defect: ClassVar[str] = "the baseline is taken after the lock is released"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "write-after-release"
    original: ClassVar[str] = "stat-2026.5.17"

    def release_for_prompt(self) -> None:
        """Release the lock, then take the fingerprint."""
        self.lock.release()
        self._remember()
