"""Define a control: guarded writes are kept in memory and written at the end of the turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site
from fence.transcript import append_lines

__all__ = ["NoneWritesAtTurnEnd"]


class NoneWritesAtTurnEnd(Control):
    """Takes the lock for each write and keeps its lines back, to write a turn in one piece.

    In the end every line is there, once and in order. Until then each reader of the transcript, and each
    process that takes its place, misses what was acknowledged.
    """

    about: ClassVar[str] = "control: guarded writes are kept in memory until the end of the turn"
    defect: ClassVar[str] = "guarded writes are kept in memory until the end of the turn"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._kept: list[bytes] = []

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, keep the lines, unlock."""
        with self.lock:
            self._kept += entries

    def end_turn(self) -> None:
        """Write the lines under the lock, and call the parent's method."""
        kept, self._kept = self._kept, []
        if kept:
            with self.lock:
                append_lines(self.path, kept)
        super().end_turn()
