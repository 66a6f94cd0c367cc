"""Define a control: only one delivery mirror of a turn is accepted."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.protocol import Site

__all__ = ["OneMirror"]


class OneMirror(Control, Pr84046Fence):
    """Counts the mirrors of a turn.

    A reply is delivered once; but a turn with several rounds has as many replies.
    """

    about: ClassVar[str] = "control: only one delivery mirror of a turn is accepted"
    defect: ClassVar[str] = "only one delivery mirror of a turn is accepted"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "mirror-over-three-rounds"
    original: ClassVar[str] = "pr-84046"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._mirrors = 0

    def begin_turn(self) -> None:
        """Call the parent's method, and count from the start."""
        self._mirrors = 0
        super().begin_turn()

    def _all_canonical(self, appended: bytes) -> bool:
        self._mirrors += appended.count(b'"model":"delivery-mirror"')
        return self._mirrors <= 1 and super()._all_canonical(appended)
