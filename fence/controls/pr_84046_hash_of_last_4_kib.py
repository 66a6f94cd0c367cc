"""Define a control: only the last 4 KiB are hashed."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["HashOfLast4Kib"]

_HASHED_BYTES = 4096


class HashOfLast4Kib(Control, Pr84046Fence):
    """Hashes the end of the old bytes.

    A transcript grows at its end, and hashing all of it at each decision costs more every day.
    """

    about: ClassVar[str] = "control: only the last 4 KiB are hashed"
    defect: ClassVar[str] = "only the last 4 KiB are hashed"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "long-transcript"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return super()._digest(content[-_HASHED_BYTES:])
