"""Stamps and inode numbers of the files in the home and temporary directory of programs, in virtual time.

Nothing there is a step, so a change has the time that it was during the step in which it was made. Before
virtual time moves the directories are looked at, if a call may have changed something in them.
"""

from __future__ import annotations

import os
import time
from typing import Final

from harness.gates.kernel.inode import Shown

__all__ = ["PrivateStamps"]

_FIRST: Final = 1 << 24
#: By so much the kernel's stamps may be older than its clock.
_COARSE_NS: Final = 1_000_000_000


class PrivateStamps:
    """What programs are told of the files in one directory, in one schedule.

    Args:
        directory: absolute and real; empty for none.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.begin()

    def begin(self) -> None:
        """Start a schedule."""
        self._known: dict[int, tuple[tuple[int, int, int], Shown]] = {}
        self._next = _FIRST
        self._began_ns = time.time_ns() - _COARSE_NS
        self._changed = bool(self.directory)
        #: Directories that may be older, as the file system has them.
        self._laid = set()
        if self.directory:
            for path in (self.directory, *(entry.path for entry in os.scandir(self.directory))):
                real = os.lstat(path)
                self._laid.add((real.st_ino, real.st_mtime_ns))

    def may_have_changed(self) -> None:
        """Note that a call may change something in the directory."""
        self._changed = True

    def take_in(self, now_ns: int) -> None:
        """Look at the directory, if it may have changed, before virtual time moves.

        Args:
            now_ns: virtual time at which it has changed.
        """
        if not self._changed:
            return
        self._changed = False
        there = set()
        for place, folders, files in os.walk(self.directory):
            folders.sort()
            for path in (place, *(os.path.join(place, name) for name in sorted(files))):
                try:
                    real = os.lstat(path)
                except OSError:
                    continue
                there.add(real.st_ino)
                self.of(real, now_ns)
        self._known = {ino: known for ino, known in self._known.items() if ino in there}

    def of(self, real: os.stat_result, now_ns: int) -> Shown:
        """Return what a program is told of a file.

        Args:
            real: what the file system says.
            now_ns: virtual time.
        """
        marks = real.st_mtime_ns, real.st_ctime_ns, real.st_size
        known = self._known.get(real.st_ino)
        if known is not None and known[0] == marks:
            return known[1]
        if known is None:
            number, born_ns, modified_ns = self._next, now_ns, now_ns
            self._next += 1
        else:
            number, born_ns, modified_ns = known[1].virtual_ino, known[1].btime, known[1].mtime
            if known[0][0] != marks[0]:
                modified_ns = now_ns
        is_laid = (real.st_ino, real.st_mtime_ns) in self._laid
        if not is_laid and not self._began_ns <= real.st_mtime_ns <= time.time_ns():
            # A program has set it.
            modified_ns = real.st_mtime_ns
        shown = Shown(number, born_ns, now_ns, modified_ns)
        self._known[real.st_ino] = marks, shown
        return shown
