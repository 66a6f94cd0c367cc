"""Define a control: a holder whose process is not visible is taken for dead."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.locks.sidecar import Payload, SidecarLock
from fence.protocol import Site

__all__ = ["LedgerRobsTheDead"]


class _Lock(SidecarLock):
    def _too_old(self, holder: Payload) -> bool:
        return False

    def _overstayed(self, holder: Payload) -> bool:
        return False


class LedgerRobsTheDead(Control, LedgerFence):
    """Reclaims a lock if its maker has ended, and never because of its age.

    So a slow holder never loses its lock. But a process id says nothing about a process in another
    container that shares the file: there it belongs to another process, or to none.
    """

    about: ClassVar[str] = "control: a holder whose process is not visible is taken for dead"
    defect: ClassVar[str] = "a holder whose process is not visible is taken for dead"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "two-containers"
    original: ClassVar[str] = "ledger"
    lock_kind: ClassVar[str] = "sidecar"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
