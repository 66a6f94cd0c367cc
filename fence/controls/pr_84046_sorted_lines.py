"""Define a control: the order of the old lines is not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["SortedLines"]


class SortedLines(Control, Pr84046Fence):
    """Hashes the sorted lines.

    Each line has an id, so that the order seems to say nothing; but a conversation is its order.
    """

    about: ClassVar[str] = "control: the order of the old lines is not compared"
    defect: ClassVar[str] = "the order of the old lines is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "lines-reordered"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return super()._digest(b"\n".join(sorted(content.split(b"\n"))))
