"""Define a control: a lock file without a payload is stale at once."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import SidecarLock
from fence.protocol import Site

__all__ = ["LockEmptyIsStale"]


class _Lock(SidecarLock):
    def _unclaimed(self, fd: int) -> bool:
        return True


class LockEmptyIsStale(Control):
    """Gives the maker of a lock file no time to write its payload.

    An empty file names no owner, and a crashed maker leaves one; but so does every maker between
    its two calls.
    """

    about: ClassVar[str] = "control: a lock file without a payload is stale at once"
    defect: ClassVar[str] = "a lock file without a payload is stale at once"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "busy-lock"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
