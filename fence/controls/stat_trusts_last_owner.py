"""Define a control: the last owner of the lock is taken for the last writer."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site
from fence.stat_2026_5_17 import StatFence
from fence.transcript import read_all, rewrite_in_place

__all__ = ["StatTrustsLastOwner"]


class StatTrustsLastOwner(Control, StatFence):
    """Skips the check if the last owner of the lock was this lane.

    Every lawful writer takes the lock, and every owner writes its name: so no other writer seems
    possible. A rogue writes no name.
    """

    about: ClassVar[str] = "control: the last owner of the lock is taken for the last writer"
    defect: ClassVar[str] = "the last owner of the lock is taken for the last writer"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "external-script"
    original: ClassVar[str] = "stat-2026.5.17"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._mine = False

    def _take_lock(self) -> None:
        super()._take_lock()
        owner = f"{self.path}.owner"
        self._mine = read_all(owner) == self.site.lane.encode()
        rewrite_in_place(owner, [self.site.lane.encode()])

    def _check(self) -> None:
        if not self._mine:
            super()._check()
