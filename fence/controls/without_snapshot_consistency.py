"""Define a control: PR #84046 without the second stat at its snapshot."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutSnapshotConsistency"]


class WithoutSnapshotConsistency(Control, Pr84046Fence):
    """Trusts its snapshot even if the file changed while it was taken.

    In addition to its parent's misses, it misses a write between the stat and the read of a
    snapshot, and one beside its own append: both become known bytes.
    """

    about: ClassVar[str] = "control: PR #84046 without stat and read consistency at the snapshot"
    defect: ClassVar[str] = "the snapshot is not checked for concurrent changes"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-snapshot-consistency"
    original: ClassVar[str] = "pr-84046"

    def _steady_snapshot(self, before: FileStat, content: bytes, after: FileStat) -> bool:
        return True
