"""Define a control: co-tenants refresh the fingerprint without the lock."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.issue84071a import Issue84071aFence
from fence.stat_2026_5_17 import Fingerprint

__all__ = ["RefreshedAfterUnlock"]


class RefreshedAfterUnlock(Control, Issue84071aFence):
    """Releases the lock, then refreshes the shared fingerprint.

    The refresh looks like a mere note for others; but the runner may come in between and find the
    old one.
    """

    about: ClassVar[str] = "control: co-tenants refresh the fingerprint without the lock"
    defect: ClassVar[str] = "co-tenants refresh the fingerprint without the lock"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "issue-84071-a"

    def release(self) -> None:
        """Release the lock, then refresh the shared fingerprint."""
        self.lock.release()
        self._publish(Fingerprint.of(self.path))
