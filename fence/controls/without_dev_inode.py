"""Define a control: PR #84046 without its check of device and inode."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutDevInode"]


class WithoutDevInode(Control, Pr84046Fence):
    """Takes another file of the same bytes for the same file.

    In addition to its parent's misses, it misses a file that was renamed over the path with the old
    bytes in front, where the file system has no birth times.
    """

    about: ClassVar[str] = "control: PR #84046 without device and inode"
    defect: ClassVar[str] = "device and inode are not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-dev-inode"
    original: ClassVar[str] = "pr-84046"

    def _same_file(self, old: FileStat, new: FileStat) -> bool:
        return True
