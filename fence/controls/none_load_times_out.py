"""Define a control: a second load says that the lock is busy, though its lane has it."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.errors import LockTimeoutError

__all__ = ["NoneLoadTimesOut"]


class NoneLoadTimesOut(Control):
    """Takes the lock of its own turn for that of another one."""

    about: ClassVar[str] = "control: a second load says that the lock is busy, though its lane has it"
    defect: ClassVar[str] = "a second load says that the lock is busy, though its lane has it"
    caught_by: ClassVar[str] = "false_lock_error"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "two-turns-and-a-job"
    original: ClassVar[str] = "none"

    def load(self) -> bytes:
        """Read the transcript; from the second time on, report a time-out."""
        count = self.site.process["loads"] = self.site.process.get("loads", 0) + 1
        if count > 1:
            raise LockTimeoutError("busy; try again later")
        return super().load()
