"""Define a control: a co-tenant's acquire returns without the lock."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control

__all__ = ["NoneAcquiresNothing"]


class NoneAcquiresNothing(Control):
    """Leaves the lock to the runner, because a job's single line is thought to be atomic."""

    about: ClassVar[str] = "control: a co-tenant's acquire returns without the lock"
    defect: ClassVar[str] = "a co-tenant's acquire returns without the lock"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "cotenant-other-process"
    original: ClassVar[str] = "none"

    def acquire(self) -> None:
        """Take nothing."""

    def release(self) -> None:
        """Release nothing."""
