"""Define a control: PR #84046 without its check of the appended lines."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["WithoutCanonicalEntries"]


class WithoutCanonicalEntries(Control, Pr84046Fence):
    """Accepts any append to the same file.

    In addition to its parent's misses, it misses every append of any writer.
    """

    about: ClassVar[str] = "control: PR #84046 without the check of appended entries"
    defect: ClassVar[str] = "appended entries are not checked"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-canonical-entries"
    original: ClassVar[str] = "pr-84046"

    def _all_canonical(self, appended: bytes) -> bool:
        return True
