"""Define a control: the lock of another handle is unlinked after a time-out."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import SidecarLock
from fence.protocol import Site

__all__ = ["LockUnlinkedAtTimeOut"]


class _Lock(SidecarLock):
    def acquire(self) -> None:
        try:
            super().acquire()
        finally:
            if not self.held:
                self._unlink()


class LockUnlinkedAtTimeOut(Control):
    """Removes the lock file if it could not get the lock.

    The clean-up is in a `finally` around the acquisition; it belongs inside.
    """

    about: ClassVar[str] = "control: the lock of another handle is unlinked after a time-out"
    defect: ClassVar[str] = "the lock of another handle is unlinked after a time-out"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "contention-and-writers"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
