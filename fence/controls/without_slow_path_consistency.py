"""Define a control: PR #84046 without the second stat in its slow path."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutSlowPathConsistency"]


class WithoutSlowPathConsistency(Control, Pr84046Fence):
    """Trusts the content that it read in the slow path, even if the file changed meanwhile.

    In addition to its parent's misses, it misses a rewrite of equal size between the read of its
    slow path and its own append, at every later decision.
    """

    about: ClassVar[str] = "control: PR #84046 without stat and read consistency in the slow path"
    defect: ClassVar[str] = "the slow path is not checked for concurrent changes"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-slow-path-consistency"
    original: ClassVar[str] = "pr-84046"

    def _steady_slow_path(self, before: FileStat, content: bytes, after: FileStat) -> bool:
        return True
