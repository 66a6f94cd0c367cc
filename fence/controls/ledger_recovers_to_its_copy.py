"""Define a control: after a recovery the content is compared with a copy and not with the ledger."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.ledger_reading import Reading
from fence.protocol import Site

__all__ = ["LedgerRecoversToItsCopy"]


class LedgerRecoversToItsCopy(Control, LedgerFence):
    """Keeps what a recovery accepted on the handle, for the rest of the turn.

    The runner's own writes extend the copy. Nothing tells it about the lawful writes of the others,
    which the ledger has.
    """

    about: ClassVar[str] = (
        "control: after a recovery the content is compared with a copy and not with the ledger"
    )
    defect: ClassVar[str] = "after a recovery the content is compared with a copy and not with the ledger"
    caught_by: ClassVar[str] = "false_positive"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "recovery-rogue-and-cotenant"
    original: ClassVar[str] = "ledger"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._found: Content | None = None
        self._copy: Content | None = None

    def begin_turn(self) -> None:
        """Forget the copy and call the parent's method."""
        self._copy = None
        super().begin_turn()

    def recover(self) -> bool:
        """Call the parent's method and copy what it accepted."""
        recovered = super().recover()
        self._copy = self._found
        return recovered

    def _rebase(self, reading: Reading) -> None:
        super()._rebase(reading)
        self._found = reading.content

    def _matches(self, reading: Reading, expected: Content) -> bool:
        return super()._matches(reading, expected if self._copy is None else self._copy)

    def _write(self, ledger: LedgerFile, payload: bytes, fd: int, existed: bool) -> None:
        super()._write(ledger, payload, fd, existed)
        if self._copy is not None:
            self._copy = self._copy.plus(payload)
