"""PR #84149: a counter of lock holds tells a co-tenant's write from a stranger's."""

from __future__ import annotations

from typing import ClassVar

from fence.protocol import Site
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["Pr84149Fence"]


class Pr84149Fence(StatFence):
    """Accepts a difference when somebody else in this process held the lock meanwhile.

    Source: OpenClaw PR #84149, closed unmerged. Every hold of the lock by any handle
    of this process moves the file's epoch on by one. When stat differs and the epoch
    moved by one since the baseline, that one is the runner's own hold, and the change
    a takeover; when it moved by more, the change is put down to a co-tenant.

    It does not catch a rogue's write in a window in which any co-tenant of the process
    held the lock, written or not; and it refuses a co-tenant of another process, whose
    holds do not move this epoch. The rest is as for the stat fingerprint.
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
