"""Define a control: the last byte is not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["SkipsLastByte"]


class SkipsLastByte(Control, Pr84046Fence):
    """Hashes all bytes but the last.

    The last byte is a newline and belongs to no line; without it the next line is a part of the last.
    """

    about: ClassVar[str] = "control: the last byte is not compared"
    defect: ClassVar[str] = "the last byte is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "bytes-at-the-ends"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return super()._digest(content[:-1])
