"""Define a control: a wait for the lock ends with a time-out after a fifth of its time."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.locks import make_lock
from fence.protocol import Site

__all__ = ["NoneGivesUpEarly"]

_FIFTH = 5


class NoneGivesUpEarly(Control):
    """Divides the time by five attempts, and gives up after the first."""

    about: ClassVar[str] = "control: a wait for the lock ends with a time-out after a fifth of its time"
    defect: ClassVar[str] = "a wait for the lock ends with a time-out after a fifth of its time"
    caught_by: ClassVar[str] = "false_lock_error"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "contention"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        limit_ms = site.options.get("lock_timeout_ms")
        if isinstance(limit_ms, int):
            part_ms = limit_ms // _FIFTH
            options = {**site.options, "lock_timeout_ms": part_ms, "lock_poll_ms": part_ms}
            self.lock = make_lock(self.lock_kind, site.transcript, options, site.process)
