"""A control: a load is answered from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control

__all__ = ["NoneCachedLoad"]


class NoneCachedLoad(Control):
    """Reads the transcript once and keeps it for its process.

    Its own writes are followed in the cache, those of other processes are not: the second
    compaction leaves their lines out.
    """

    about: ClassVar[str] = "control: a load is answered from memory"
    defect: ClassVar[str] = "a load is answered from memory"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compacted-twice"
    original: ClassVar[str] = "none"

    def load(self) -> bytes:
        """Answer from the process's cache."""
        if "cache" not in self.site.process:
            self.site.process["cache"] = super().load()
        cached: bytes = self.site.process["cache"]
        return cached

    def append(self, entries: Sequence[bytes]) -> None:
        """As its parent, in the cache as well."""
        super().append(entries)
        if "cache" in self.site.process:
            self.site.process["cache"] += b"".join(entries)

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """As its parent, in the cache as well."""
        with self.lock:
            self.append(entries)

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """As its parent, in the cache as well."""
        super().rewrite(lines, how)
        self.site.process["cache"] = b"".join(lines)
