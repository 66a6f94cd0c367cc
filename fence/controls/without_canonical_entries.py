"""PR #84046 without its look at what was appended."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["WithoutCanonicalEntries"]


class WithoutCanonicalEntries(Control, Pr84046Fence):
    """Accepts any append to the same file.

    Beside what its parent does not catch, it misses every append, whoever made it and
    whatever it says.
    """

    about: ClassVar[str] = "control: PR #84046 without the check of appended entries"
    defect: ClassVar[str] = "appended entries are not looked at"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-canonical-entries"
    original: ClassVar[str] = "pr-84046"

    def _all_canonical(self, appended: bytes) -> bool:
        return True
