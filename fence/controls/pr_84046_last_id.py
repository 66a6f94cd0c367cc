"""Define a control: only the id of the last old line is compared."""

from __future__ import annotations

import re
from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["LastId"]

_ID = re.compile(rb'"id":"([^"]*)"')


class LastId(Control, Pr84046Fence):
    """Compares the id of the last old entry.

    Each entry names its parent, so that the last id seems to stand for the whole chain.
    """

    about: ClassVar[str] = "control: only the id of the last old line is compared"
    defect: ClassVar[str] = "only the id of the last old line is compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        found = _ID.findall(content.rstrip(b"\n").rpartition(b"\n")[2])
        return found[0] if found else b""
