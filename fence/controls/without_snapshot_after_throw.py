"""Define a control: PR #84046 without the snapshot after a write that failed."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["WithoutSnapshotAfterThrow"]


class WithoutSnapshotAfterThrow(Control, Pr84046Fence):
    """Takes the part of its own bytes that a failed write left for another writer's.

    It catches everything that its parent catches, and reports itself besides.
    """

    about: ClassVar[str] = "control: PR #84046 without the snapshot after a failed write"
    defect: ClassVar[str] = "no snapshot is taken when the write throws"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "guard-snapshot-after-throw"
    original: ClassVar[str] = "pr-84046"

    def _after_throw(self) -> None:
        return
