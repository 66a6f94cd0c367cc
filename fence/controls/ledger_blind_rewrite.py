"""Define a control: a rewrite does not check the replaced file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.ledger import LedgerFence
from fence.ledger_content import Content
from fence.ledger_file import LedgerFile
from fence.transcript import rewrite_by_rename

__all__ = ["LedgerBlindRewrite"]


class LedgerBlindRewrite(Control, LedgerFence):
    """Renames the new transcript over the old one and records that.

    Under the lock no lawful writer can have written since the load; but a rogue's line is lost with
    the old file.
    """

    about: ClassVar[str] = "control: a rewrite does not check the replaced file"
    defect: ClassVar[str] = "a rewrite does not check the replaced file"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "laundering-by-compaction"
    original: ClassVar[str] = "ledger"

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Replace the transcript without checking it."""
        rewrite_by_rename(self.path, lines)
        with LedgerFile(self._ledger, create=False) as ledger:
            if ledger.known:
                ledger.commit(dict.fromkeys(ledger.branches, Content.of(b"".join(lines))))
