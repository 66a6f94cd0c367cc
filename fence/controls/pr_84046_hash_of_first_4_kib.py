"""Define a control: only the first 4 KiB are hashed."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["HashOfFirst4Kib"]

_HASHED_BYTES = 4096


class HashOfFirst4Kib(Control, Pr84046Fence):
    """Hashes the beginning of the old bytes.

    One read of one page looks sufficient to tell one file from another.
    """

    about: ClassVar[str] = "control: only the first 4 KiB are hashed"
    defect: ClassVar[str] = "only the first 4 KiB are hashed"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "long-transcript"
    original: ClassVar[str] = "pr-84046"

    def _digest(self, content: bytes) -> bytes:
        return super()._digest(content[:_HASHED_BYTES])
