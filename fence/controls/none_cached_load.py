"""Define a control: a load is answered from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control

__all__ = ["NoneCachedLoad"]


class NoneCachedLoad(Control):
    """Reads the transcript once and caches it for its process.

    The cache follows the process's own writes but not those of other processes: the second
    compaction drops their lines.
    """

    about: ClassVar[str] = "control: a load is answered from memory"
    defect: ClassVar[str] = "a load is answered from memory"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compacted-twice"
    original: ClassVar[str] = "none"

    def load(self) -> bytes:
        """Return the transcript from the process's cache."""
        if "cache" not in self.site.process:
            self.site.process["cache"] = super().load()
        cached: bytes = self.site.process["cache"]
        return cached

    def append(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and update the cache."""
        super().append(entries)
        if "cache" in self.site.process:
            self.site.process["cache"] += b"".join(entries)

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Append under the lock and update the cache."""
        with self.lock:
            self.append(entries)

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Call the parent's method and update the cache."""
        super().rewrite(lines, how)
        self.site.process["cache"] = b"".join(lines)
