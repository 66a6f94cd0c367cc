"""Define a control: a compaction adds its summary and removes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.transcript import append_lines, read_all

__all__ = ["NoneSummaryBesideLines"]


class NoneSummaryBesideLines(Control):
    """Appends the new lines of a rewrite to the old ones."""

    about: ClassVar[str] = "control: a compaction adds its summary and removes nothing"
    defect: ClassVar[str] = "a compaction adds its summary and removes nothing"
    caught_by: ClassVar[str] = "altered_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compaction-new-file"
    original: ClassVar[str] = "none"

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Append the lines that are not there yet."""
        there = read_all(self.path).splitlines(keepends=True)
        append_lines(self.path, [line for line in lines if line not in there])
