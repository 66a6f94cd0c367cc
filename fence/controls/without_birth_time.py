"""PR #84046 without its look at the birth time."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutBirthTime"]


class WithoutBirthTime(Control, Pr84046Fence):
    """Takes a new file with a reused inode number for the old one.

    Beside what its parent does not catch, it misses a file that was unlinked and made
    again with the old bytes in front, where inode numbers are given out again.
    """

    about: ClassVar[str] = "control: PR #84046 without birth time"
    defect: ClassVar[str] = "birth time is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-birth-time"
    original: ClassVar[str] = "pr-84046"

    def _same_birth(self, old: FileStat, new: FileStat) -> bool:
        return True
