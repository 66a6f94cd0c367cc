"""Implement PR #84149: a counter of lock holds distinguishes a co-tenant's write from a rogue's."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Site
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["Pr84149Fence"]


class Pr84149Fence(StatFence):
    """Accepts a difference if another handle of this process held the lock meanwhile.

    Source: OpenClaw PR #84149, closed unmerged. Every hold of the lock by any handle of this process
    increments the file's epoch. If stat differs and the epoch grew by one since the baseline, that
    hold is the runner's own and the change is a takeover; if it grew by more, the change is
    attributed to a co-tenant.

    It does not catch a rogue's write in a window in which any co-tenant of the process held the
    lock, even without writing; and it refuses a co-tenant of another process, whose holds do not
    change this epoch. Otherwise it behaves as the stat fingerprint.
    """

    about: ClassVar[str] = "stat fingerprint, forgiven by a process-scoped epoch of lock holds, PR #84149"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._epochs: dict[str, int] = site.process.setdefault("pr84149.epochs", {})
        self._epoch_then = 0

    def _take_lock(self) -> None:
        super()._take_lock()
        self._epochs[self.path] = self._epoch() + 1

    def _epoch(self) -> int:
        return self._epochs.get(self.path, 0)

    def _remember(self) -> None:
        super()._remember()
        self._epoch_then = self._epoch()

    def _differs(self, baseline: Fingerprint, now: Fingerprint) -> None:
        if self._epoch() - self._epoch_then <= 1:
            super()._differs(baseline, now)
