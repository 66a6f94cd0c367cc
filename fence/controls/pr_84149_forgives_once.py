"""Define a control: only one difference of a turn is forgiven."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84149 import Pr84149Fence
from fence.protocol import Site
from fence.stat_2026_5_17 import Fingerprint

__all__ = ["ForgivesOnce"]


class ForgivesOnce(Control, Pr84149Fence):
    """Forgives a co-tenant once in a turn.

    A delivery is mirrored once; but a turn with several rounds delivers as often.
    """

    about: ClassVar[str] = "control: only one difference of a turn is forgiven"
    defect: ClassVar[str] = "only one difference of a turn is forgiven"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "mirror-over-three-rounds"
    original: ClassVar[str] = "pr-84149"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._forgiven = False

    def begin_turn(self) -> None:
        """Call the parent's method, and forgive once more."""
        self._forgiven = False
        super().begin_turn()

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        if self._forgiven:
            self._refuse("a second difference")
        super()._differs(baseline, now)
        self._forgiven = True
