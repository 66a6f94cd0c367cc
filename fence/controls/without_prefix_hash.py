"""Define a control: PR #84046 without its hash over the old bytes."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import Pr84046Fence

__all__ = ["WithoutPrefixHash"]


class WithoutPrefixHash(Control, Pr84046Fence):
    """Checks the appended bytes and not the old ones.

    In addition to its parent's misses, it misses every rewrite in place that does not make the file
    shorter.
    """

    about: ClassVar[str] = "control: PR #84046 without the hash of the prefix"
    defect: ClassVar[str] = "the old bytes are not compared"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "guard-prefix-hash"
    original: ClassVar[str] = "pr-84046"

    def _same_prefix(self, digest: bytes | None, prefix: bytes) -> bool:
        return True
