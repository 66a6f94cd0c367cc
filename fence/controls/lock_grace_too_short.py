"""Define a control: a lock file without a payload is stale after a tenth of a second."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import SidecarLock
from fence.protocol import Site

__all__ = ["LockGraceTooShort"]

_GRACE_MS = 100


class LockGraceTooShort(Control):
    """Gives the maker of a lock file a tenth of a second to write its payload.

    Any disk writes two dozen bytes in less time. A full one, one over a network, or one that wakes
    up first does not, and then the maker loses the lock that it has just made.
    """

    about: ClassVar[str] = "control: a lock file without a payload is stale after a tenth of a second"
    defect: ClassVar[str] = "a lock file without a payload is stale after a tenth of a second"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "slow-disk"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        options = {**site.options, "lock_grace_ms": _GRACE_MS}
        self.lock = SidecarLock(site.transcript, options, site.process)
