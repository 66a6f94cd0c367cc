"""Define a control: a compaction is acknowledged and not made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control

__all__ = ["NoneRewriteDoesNothing"]


class NoneRewriteDoesNothing(Control):
    """Leaves a rewrite for later, and later does not come."""

    about: ClassVar[str] = "control: a compaction is acknowledged and not made"
    defect: ClassVar[str] = "a compaction is acknowledged and not made"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compaction-new-file"
    original: ClassVar[str] = "none"

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Do nothing."""
