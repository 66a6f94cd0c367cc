"""Define a control: PR #84046 without its check of the birth time."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutBirthTime"]


class WithoutBirthTime(Control, Pr84046Fence):
    """Takes a new file with a reused inode number for the old one.

    In addition to its parent's misses, it misses a file that was unlinked and made again with the
    old bytes in front, where inode numbers are reused.
    """

    about: ClassVar[str] = "control: PR #84046 without birth time"
    defect: ClassVar[str] = "birth time is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-birth-time"
    original: ClassVar[str] = "pr-84046"

    def _same_birth(self, old: FileStat, new: FileStat) -> bool:
        return True
