"""A control: a snapshot that moved is taken again instead of being reported."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["SnapshotRetried"]


class SnapshotRetried(Control, Pr84046Fence):
    """Looks until stat is the same before and after its read.

    A retry is what every other reader of a moving file does. Here it makes the bytes of
    whoever moved the file a part of what the runner is said to know.
    """

    about: ClassVar[str] = "control: a snapshot that moved is taken again instead of being reported"
    defect: ClassVar[str] = "a snapshot that moved is taken again instead of being reported"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-snapshot-consistency"
    original: ClassVar[str] = "pr-84046"

    def _remember(self) -> None:
        super()._remember()
        while self._snapshot is not None and self._snapshot.digest is None:
            super()._remember()
