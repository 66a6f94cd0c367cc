"""Define a control: a foreign line that is no JSON is not expected."""

from __future__ import annotations

import json
from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["ParsesForeignLines"]


class ParsesForeignLines(Control, Pr84046Fence):
    """Parses every appended line and passes on the parser's exception.

    Every line of a transcript is JSON, until a foreign program writes another.
    """

    about: ClassVar[str] = "control: a foreign line that is no JSON is not expected"
    defect: ClassVar[str] = "a foreign line that is no JSON is not expected"
    caught_by: ClassVar[str] = "crash"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-canonical-entries"
    original: ClassVar[str] = "pr-84046"

    def _all_canonical(self, appended: bytes) -> bool:
        for line in appended.splitlines():
            json.loads(line)
        return super()._all_canonical(appended)
