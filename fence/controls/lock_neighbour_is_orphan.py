"""Define a control: the lock of another lane of the same process is taken for an orphan."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import Payload, SidecarLock
from fence.protocol import Site

__all__ = ["LockNeighbourIsOrphan"]


class _Lock(SidecarLock):
    def _orphaned(self, holder: Payload, held_here: set[Payload]) -> bool:
        return holder.pid == os.getpid()


class LockNeighbourIsOrphan(Control):
    """Takes every lock with its own pid for an orphan of its own.

    After a restart with the same pid that is so. In a gateway with several lanes it belongs to
    another lane.
    """

    about: ClassVar[str] = "control: the lock of another lane of the same process is taken for an orphan"
    defect: ClassVar[str] = "the lock of another lane of the same process is taken for an orphan"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "busy-lock"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
