"""Define a control: after a refused rename the transcript is moved aside, and never back."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import ClassVar

from fence.controls.control import Control
from fence.transcript import follow_links, write_all

__all__ = ["NoneMovesAside"]

_IN_USE = frozenset({errno.EPERM, errno.EACCES, errno.EBUSY})


class NoneMovesAside(Control):
    """Makes room for a rename that was refused: moves the old transcript aside, and renames again.

    A scanner that has the file open refuses one rename, and often the next one as well. Then the
    transcript's name is gone, and the next append begins a new file.
    """

    about: ClassVar[str] = "control: after a refused rename the transcript is moved aside, and never back"
    defect: ClassVar[str] = "after a refused rename the transcript is moved aside, and never back"
    caught_by: ClassVar[str] = "lost_entry"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "rename-refused"
    original: ClassVar[str] = "none"

    def rewrite(self, lines: Sequence[bytes], how: str) -> None:
        """Rename a new file over the transcript, or into the place that it left."""
        if how != "rename":
            super().rewrite(lines, how)
            return
        path = follow_links(self.path)
        temporary, aside = f"{path}.rewrite.tmp", f"{path}.old"
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            write_all(fd, b"".join(lines))
        finally:
            os.close(fd)
        try:
            os.rename(temporary, path)
        except OSError as error:
            if error.errno not in _IN_USE:
                raise
            os.rename(path, aside)
            os.rename(temporary, path)
            os.unlink(aside)
