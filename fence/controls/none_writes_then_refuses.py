"""Define a control: the file is compared after the write instead of before it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import TakeoverError
from fence.protocol import Site
from fence.transcript import append_lines

__all__ = ["NoneWritesThenRefuses"]


class NoneWritesThenRefuses(Control):
    """Appends, and refuses when the file had another size before than at the release.

    The caller is told that nothing was appended.
    """

    about: ClassVar[str] = "control: the file is compared after the write instead of before it"
    defect: ClassVar[str] = "the file is compared after the write instead of before it"
    caught_by: ClassVar[str] = "refused_write"
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
        """Lock, append, compare, unlock."""
        with self.lock:
            append_lines(self.path, entries)
            end = os.stat(self.path).st_size
            expected, self._end = self._end + sum(map(len, entries)), end
            if end != expected:
                raise TakeoverError("size")
