"""Define a control: the lock is checked, then made, in two calls."""

from __future__ import annotations

import os
import time
from typing import ClassVar

from fence.controls.control import Control
from fence.locks.sidecar import Payload, SidecarLock, process_start
from fence.protocol import Site
from fence.transcript import rewrite_in_place

__all__ = ["LockRenamedIntoPlace"]


class _Lock(SidecarLock):
    def _make(self) -> bool:
        if os.path.exists(self._path):
            return False
        pid = os.getpid()
        mine = Payload(pid, int(time.time() * 1000), process_start(pid), self._next_serial())
        self._ours.add(mine)
        whole = f"{self._path}.{pid}-{mine.serial}"
        rewrite_in_place(whole, [mine.encode()])
        os.rename(whole, self._path)
        self._mine = mine
        return True


class LockRenamedIntoPlace(Control):
    """Makes the complete lock file by a rename, if there is none.

    So no waiter ever reads half a payload; but a rename replaces an existing file, and two handles
    that found no lock both make one.
    """

    about: ClassVar[str] = "control: the lock is checked, then made, in two calls"
    defect: ClassVar[str] = "the lock is checked, then made, in two calls"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "busy-lock"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
