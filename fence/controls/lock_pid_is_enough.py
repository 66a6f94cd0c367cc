"""Define a control: a lock is its maker's as long as there is a process of that id."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import Payload, SidecarLock
from fence.protocol import Site

__all__ = ["LockPidIsEnough"]


class _Lock(SidecarLock):
    def _recycled(self, holder: Payload, start: int | None) -> bool:
        return False


class LockPidIsEnough(Control):
    """Asks whether the maker's process id is in use, and not since when.

    Ids are given again: a container gives each start the same ones, and the id of a process that died
    belongs to another one now.
    """

    about: ClassVar[str] = "control: a lock is its maker's as long as there is a process of that id"
    defect: ClassVar[str] = "a lock is its maker's as long as there is a process of that id"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "process-id-again"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
