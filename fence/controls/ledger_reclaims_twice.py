"""Define a control: two waiters can both remove the lock of a dead holder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import ClassVar

from fence.controls.control import Control
from fence.errors import StaleLockError
from fence.ledger import LedgerFence
from fence.locks.lock import Lock, Patience
from fence.protocol import Site

__all__ = ["LedgerReclaimsTwice"]


class _Lock(Lock):
    """A file that its maker keeps under an flock, so that the kernel tells when the maker has died."""

    def __init__(self, site: Site) -> None:
        self._path = f"{site.transcript}.lock"
        self._mine = f"{self._path}.{site.lane}"
        self._patience = Patience(self._path, site.options, timeout_ms=60_000)
        self._fd = -1

    @property
    def held(self) -> bool:
        return self._fd >= 0

    def acquire(self) -> None:
        self._patience.begin()
        while not self._make():
            if self._is_of_the_dead():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._path)
            else:
                self._patience.wait()

    def _make(self) -> bool:
        """Return whether a file with an flock on it has got the lock's name."""
        fd = os.open(self._mine, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.link(self._mine, self._path)
        except FileExistsError:
            os.close(fd)
            return False
        finally:
            os.unlink(self._mine)
        self._fd = fd
        return True

    def _is_of_the_dead(self) -> bool:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            # A holder that let the lock go has unlinked the file before.
            return os.fstat(fd).st_nlink > 0
        except BlockingIOError:
            return False
        finally:
            os.close(fd)

    def release(self) -> None:
        if not self.held:
            raise StaleLockError(f"{self._path}: released, but not held by this handle; acquire it first")
        fd, self._fd = self._fd, -1
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            raise StaleLockError(f"{self._path}: removed while it was held here") from None
        finally:
            os.close(fd)

    def release_if_held(self) -> None:
        if self.held:
            with contextlib.suppress(StaleLockError):
                self.release()


class LedgerReclaimsTwice(Control, LedgerFence):
    """Uses a lock file that is reclaimed from a dead maker alone, and never because of its age.

    One waiter looks at the file and then unlinks it. By then another waiter, which had looked too, may
    have unlinked it and made its own; that one is unlinked instead.
    """

    about: ClassVar[str] = "control: two waiters can both remove the lock of a dead holder"
    defect: ClassVar[str] = "two waiters can both remove the lock of a dead holder"
    caught_by: ClassVar[str] = "double_hold"
    rogue_actions_min: ClassVar[int] = 0
    scenario: ClassVar[str] = "killed-holder-two-waiters"
    original: ClassVar[str] = "ledger"
    lock_kind: ClassVar[str] = "sidecar"

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.lock = _Lock(site)
