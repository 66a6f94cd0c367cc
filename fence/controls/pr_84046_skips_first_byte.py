"""Define a control: the first byte is not compared."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["SkipsFirstByte"]


class SkipsFirstByte(Control, Pr84046Fence):
    """Hashes from the second byte on.

    Every transcript begins with a brace, as every program that writes one knows; an editor does not.
    """

    about: ClassVar[str] = "control: the first byte is not compared"
    defect: ClassVar[str] = "the first byte is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "bytes-at-the-ends"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return super()._digest(content[1:])
