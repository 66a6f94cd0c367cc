"""Define a control: a snapshot of a changing file is repeated instead of reported."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["SnapshotRetried"]


class SnapshotRetried(Control, Pr84046Fence):
    """Repeats a snapshot until stat is the same before and after its read.

    Every other reader of a changing file retries. Here the retry makes a rogue's bytes part of the
    runner's supposed knowledge.
    """

    about: ClassVar[str] = "control: a snapshot of a changing file is repeated instead of reported"
    defect: ClassVar[str] = "a snapshot of a changing file is repeated instead of reported"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-snapshot-consistency"
    original: ClassVar[str] = "pr-84046"

    def _remember(self) -> None:
        super()._remember()
        while self._snapshot is not None and self._snapshot.digest is None:
            super()._remember()
