"""Define a control: the whole transcript is written from memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site
from fence.transcript import rewrite_by_rename

__all__ = ["NoneWritesItsCopyBack"]


class NoneWritesItsCopyBack(Control):
    """Keeps the transcript in memory and writes all of it each time.

    A session object that is saved as a whole is easy to reason about; but lines that others have
    appended since the load are lost.
    """

    about: ClassVar[str] = "control: the whole transcript is written from memory"
    defect: ClassVar[str] = "the whole transcript is written from memory"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._copy = b""

    def load(self) -> bytes:
        """Call the parent's method and keep a copy."""
        self._copy = super().load()
        return self._copy

    def append(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method and update the copy."""
        super().append(entries)
        self._copy += b"".join(entries)

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Lock, write the copy with the new lines, unlock."""
        self._copy += b"".join(entries)
        with self.lock:
            rewrite_by_rename(self.path, [self._copy])
