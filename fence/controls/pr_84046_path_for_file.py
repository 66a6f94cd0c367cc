"""Define a control: a file is identified by its path."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence
from fence.protocol import Site
from fence.statx import FileStat

__all__ = ["PathForFile"]


class PathForFile(Control, Pr84046Fence):
    """Takes any file at the same path for the same file.

    The path is resolved first, including links, which looks thorough; but another file renamed over
    it has the same path.
    """

    about: ClassVar[str] = "control: a file is identified by its path"
    defect: ClassVar[str] = "a file is identified by its path"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-dev-inode"
    original: ClassVar[str] = "pr-84046"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._real = ""

    def _remember(self) -> None:
        self._real = os.path.realpath(self.path)
        super()._remember()

    def _same_file(self, old: FileStat, new: FileStat) -> bool:
        return os.path.realpath(self.path) == self._real
