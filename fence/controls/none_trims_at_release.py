"""Define a control: the oldest entry is dropped where the lock is let go."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.transcript import read_all, rewrite_in_place

__all__ = ["NoneTrimsAtRelease"]


class NoneTrimsAtRelease(Control):
    """Makes room before it leaves, so that each hold of the lock costs a line."""

    about: ClassVar[str] = "control: the oldest entry is dropped where the lock is let go"
    defect: ClassVar[str] = "the oldest entry is dropped where the lock is let go"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def release(self) -> None:
        """Drop the line behind the header, and unlock."""
        lines = read_all(self.path).splitlines(keepends=True)
        rewrite_in_place(self.path, [*lines[:1], *lines[2:]])
        super().release()
