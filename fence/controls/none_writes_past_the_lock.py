"""Define a control: after a lock time-out the reply is written all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import LockTimeoutError
from fence.transcript import append_lines

__all__ = ["NoneWritesPastTheLock"]


class NoneWritesPastTheLock(Control):
    """Prefers a reply without the lock to a lost one.

    Source: runtimes that log a time-out and go on.
    """

    about: ClassVar[str] = "control: after a lock time-out the reply is written all the same"
    defect: ClassVar[str] = "after a lock time-out the reply is written all the same"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "contention"
    original: ClassVar[str] = "none"

    def guarded_write(self, entries: Sequence[bytes]) -> None:
        """Call the parent's method, and append without the lock after a time-out."""
        try:
            super().guarded_write(entries)
        except LockTimeoutError:
            append_lines(self.path, entries)
