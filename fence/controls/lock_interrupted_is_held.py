"""Define a control: a wait for the lock that a signal ends counts as the lock."""

from __future__ import annotations

import ctypes
import fcntl
import os
from typing import ClassVar

from fence.controls.control import Control
from fence.locks.flock import FlockLock
from fence.protocol import Site

__all__ = ["LockInterruptedIsHeld"]

_libc = ctypes.CDLL(None, use_errno=True)


class _Lock(FlockLock):
    def acquire(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _libc.flock(fd, fcntl.LOCK_EX)
        self._fd = fd


class LockInterruptedIsHeld(Control):
    """Calls flock as C code does, and ignores its result.

    The call waits until it has the lock, so its result seems useless. But it may report that a
    signal came first: Python's own call repeats it then, and a direct call does not.
    """

    about: ClassVar[str] = "control: a wait for the lock that a signal ends counts as the lock"
    defect: ClassVar[str] = "a wait for the lock that a signal ends counts as the lock"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "wait-interrupted"
    original: ClassVar[str] = "none"
    lock_kind: ClassVar[str] = "flock"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site.transcript, site.options, site.process)
