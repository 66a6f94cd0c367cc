"""Define a control: an append keeps no more than the last two lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.transcript import read_all, rewrite_in_place

__all__ = ["NoneKeepsLastLines"]


class NoneKeepsLastLines(Control):
    """Bounds the transcript where it appends, as a log with a limit does."""

    about: ClassVar[str] = "control: an append keeps no more than the last two lines"
    defect: ClassVar[str] = "an append keeps no more than the last two lines"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, write the last lines and the new ones, unlock."""
        with self.lock:
            lines = read_all(self.path).splitlines(keepends=True)
            rewrite_in_place(self.path, [*lines[-2:], *entries])
