"""Define a control: a lock is taken from a live holder that is only slow."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence

__all__ = ["LedgerRobsPausedHolder"]


class LedgerRobsPausedHolder(Control, LedgerFence):
    """Uses a lock that considers a holder stale by its age.

    A dead holder must not block all others forever; but a holder that slept wakes up and goes on.
    """

    about: ClassVar[str] = "control: a lock is taken from a live holder that is only slow"
    defect: ClassVar[str] = "a lock is taken from a live holder that is only slow"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "reclaim-live-holder"
    original: ClassVar[str] = "ledger"
    lock_kind: ClassVar[str] = "sidecar"
