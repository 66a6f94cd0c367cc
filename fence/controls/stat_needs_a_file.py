"""Define a control: a transcript that is gone is not expected."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import StatFence

__all__ = ["StatNeedsAFile"]


class StatNeedsAFile(Control, StatFence):
    """Passes on the exception of stat if there is no file.

    The runner has just written the file, so it seems to be there.
    """

    about: ClassVar[str] = "control: a transcript that is gone is not expected"
    defect: ClassVar[str] = "a transcript that is gone is not expected"
    caught_by: ClassVar[str] = "crash"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "transcript-deleted"
    original: ClassVar[str] = "stat-2026.5.17"

    def _check(self) -> None:
        os.stat(self.path)
        super()._check()
