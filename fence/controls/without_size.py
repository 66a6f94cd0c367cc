"""Define a control: PR #84046 without its checks of the size."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.statx import FileStat

__all__ = ["WithoutSize"]


class WithoutSize(Control, Pr84046Fence):
    """Compares neither the size in stat nor the length of the content.

    In addition to its parent's misses, it misses an append inside one tick of the file's clock:
    then stat differs only in the size. A shorter file still fails the hash of the prefix.
    """

    about: ClassVar[str] = "control: PR #84046 without size"
    defect: ClassVar[str] = "size is not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-size"
    original: ClassVar[str] = "pr-84046"

    def _same_size(self, old: FileStat, new: FileStat) -> bool:
        return True

    def _not_shorter(self, old_size: int, content: bytes) -> bool:
        return True
