"""Define a control: old lines are counted and not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["LineCount"]


class LineCount(Control, Pr84046Fence):
    """Compares the number of old lines.

    In a log that only grows, the number of lines seems to determine them.
    """

    about: ClassVar[str] = "control: old lines are counted and not compared"
    defect: ClassVar[str] = "old lines are counted and not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return str(content.count(b"\n")).encode()
