"""Define a control: the stat fields are those of a symbolic link."""

from __future__ import annotations

import os
from typing import ClassVar

from fence.controls.control import Control
from fence.stat_2026_5_17 import Fingerprint, StatFence

__all__ = ["StatOfTheLink"]


class StatOfTheLink(Control, StatFence):
    """Asks for the fields of the path itself and follows no link.

    A link in the transcript's place cannot deceive it then; but where the path has always been a link, the
    link stays as it is when the file changes.
    """

    about: ClassVar[str] = "control: the stat fields are those of a symbolic link"
    defect: ClassVar[str] = "the stat fields are those of a symbolic link"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "transcript-is-a-link"
    original: ClassVar[str] = "stat-2026.5.17"

    def _remember(self) -> None:
        self._baseline = _of_the_link(self.path)

    def _check(self) -> None:
        now = _of_the_link(self.path)
        if self._baseline is not None and now != self._baseline:
            self._differs(self._baseline, now)


def _of_the_link(path: str) -> Fingerprint:
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return Fingerprint()
    return Fingerprint(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
