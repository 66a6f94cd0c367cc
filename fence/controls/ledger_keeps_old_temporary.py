"""Define a control: a rewrite does not empty the temporary file that it finds."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.transcript import write_all

__all__ = ["LedgerKeepsOldTemporary"]


class LedgerKeepsOldTemporary(Control, LedgerFence):
    """Writes the new transcript into a temporary file without O_TRUNC.

    Each rewrite removes its temporary file, so that there is none; but a rewrite whose process is
    killed leaves one behind, and its end stays when the next transcript is shorter.
    """

    about: ClassVar[str] = "control: a rewrite does not empty the temporary file that it finds"
    defect: ClassVar[str] = "a rewrite does not empty the temporary file that it finds"
    caught_by: ClassVar[str] = "altered_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "compactor-killed"
    original: ClassVar[str] = "ledger"

    def _write_aside(self, aside: str, data: bytes) -> None:
        fd = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, data)
        finally:
            os.close(fd)
