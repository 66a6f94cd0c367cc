"""Define a control: a handle reads the transcript in its first turn only."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.protocol import Site

__all__ = ["NoneLoadsOnce"]


class NoneLoadsOnce(Control):
    """Answers each load after the first one from memory, as a session object that is kept does.

    The model is asked with a conversation that lacks what was written since, the runner's own lines
    included. No byte of the transcript is wrong, and no later write is lost.
    """

    about: ClassVar[str] = "control: a handle reads the transcript in its first turn only"
    defect: ClassVar[str] = "a handle reads the transcript in its first turn only"
    caught_by: ClassVar[str] = "altered_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "two-turns-and-a-job"
    original: ClassVar[str] = "none"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._first: bytes | None = None

    def load(self) -> bytes:
        """Return the content of the handle's first load."""
        if self._first is None:
            self._first = super().load()
        return self._first
