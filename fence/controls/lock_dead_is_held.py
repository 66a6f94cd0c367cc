"""Define a control: the lock of an ended process is never reclaimed."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import Payload, SidecarLock
from fence.protocol import Site

__all__ = ["LockDeadIsHeld"]


class _Lock(SidecarLock):
    def _dead(self, start: int | None) -> bool:
        return False

    def _recycled(self, holder: Payload, start: int | None) -> bool:
        return False


class LockDeadIsHeld(Control):
    """Believes every lock file, even if its maker has ended.

    A holder that releases in a `finally` always releases; but a killed one does not, and this lock
    never asks whether the maker still lives.
    """

    about: ClassVar[str] = "control: the lock of an ended process is never reclaimed"
    defect: ClassVar[str] = "the lock of an ended process is never reclaimed"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "holder-killed"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
