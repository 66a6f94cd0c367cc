"""Define a control: the lock is released once more when it is not held."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import SidecarLock
from fence.protocol import Site

__all__ = ["LockReleasedTwice"]


class _Lock(SidecarLock):
    def release_if_held(self) -> None:
        super().release_if_held()
        self._unlink()


class LockReleasedTwice(Control):
    """Unlinks the lock file in its clean-up, held or not.

    An additional release seems harmless: if the lock file is gone there is nothing to unlink. But
    if it exists, it belongs to another handle.
    """

    about: ClassVar[str] = "control: the lock is released once more when it is not held"
    defect: ClassVar[str] = "the lock is released once more when it is not held"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "busy-lock"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
