"""Define a control: a write into a file that has grown is made a second time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site
from fence.transcript import append_lines

__all__ = ["NoneWritesTwice"]


class NoneWritesTwice(Control):
    """Takes growth for a lost write and repeats it, as a retry without a look does."""

    about: ClassVar[str] = "control: a write into a file that has grown is made a second time"
    defect: ClassVar[str] = "a write into a file that has grown is made a second time"
    caught_by: ClassVar[str] = "altered_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._end = 0

    def release_for_prompt(self) -> None:
        """Remember the size of the transcript and call the parent's method."""
        self._end = os.stat(self.path).st_size
        super().release_for_prompt()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, append, append again if the size is not as expected, unlock."""
        with self.lock:
            append_lines(self.path, entries)
            end = os.stat(self.path).st_size
            if end != self._end + sum(map(len, entries)):
                append_lines(self.path, entries)
                end = os.stat(self.path).st_size
            self._end = end
