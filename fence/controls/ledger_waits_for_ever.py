"""Define a control: the start of a turn waits for the lock without a time-out."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.locks import make_lock
from fence.protocol import Site

__all__ = ["LedgerWaitsForEver"]


class LedgerWaitsForEver(Control, LedgerFence):
    """Begins a turn with a lock that has no time-out.

    A turn that could not begin was lost with its prompt, so the wait was made endless: each holder
    lets go some time. A holder that hangs does not, and every later turn hangs with it.
    """

    about: ClassVar[str] = "control: the start of a turn waits for the lock without a time-out"
    defect: ClassVar[str] = "the start of a turn waits for the lock without a time-out"
    caught_by: ClassVar[str] = "dead_end"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "holder-never-lets-go"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        options = {name: value for name, value in site.options.items() if name != "lock_timeout_ms"}
        self._patient = self.lock
        self._endless = make_lock(self.lock_kind, site.transcript, options, site.process)

    def begin_turn(self) -> None:
        """Call the parent's method with the lock that waits for ever."""
        self.lock = self._endless
        super().begin_turn()

    def release_for_prompt(self) -> None:
        """Call the parent's method; guarded writes have a time-out."""
        super().release_for_prompt()
        self.lock = self._patient

    def end_turn(self) -> None:
        """Release whichever of the two locks is held."""
        self._endless.release_if_held()
        self.lock = self._patient
        super().end_turn()
