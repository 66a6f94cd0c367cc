"""Define a control: lines are written where the file ended before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site

__all__ = ["NoneRememberedOffset"]


class NoneRememberedOffset(Control):
    """Writes at the remembered end of the file instead of appending.

    The runner knows how much it has written, but not that the file has grown meanwhile.
    """

    about: ClassVar[str] = "control: lines are written where the file ended before"
    defect: ClassVar[str] = "lines are written where the file ended before"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._end = 0

    def release_for_prompt(self) -> None:
        """Remember the end of the transcript and call the parent's method."""
        self._end = os.stat(self.path).st_size
        super().release_for_prompt()

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, write at the remembered end, unlock."""
        data = b"".join(entries)
        with self.lock:
            fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                self._end += os.pwrite(fd, data, self._end)
            finally:
                os.close(fd)
