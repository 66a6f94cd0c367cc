"""Calls that ask for a lock and do not wait for it, and calls that change nothing.

A lock is an flock, a record lock, or a name: of a file that is made with O_EXCL, of a directory or of a link.
"""

from __future__ import annotations

import fcntl
import os
from typing import NamedTuple

from harness.gates.kernel.effect_recorder import EffectRecorder
from harness.gates.kernel.flocks import Flocks
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.syscall_table import FLOCK
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["Attempt", "Attempts"]

#: Calls that make a name; of a link it is their second one.
_MAKING = frozenset({"mkdir", "mkdirat", "symlink", "symlinkat", "link", "linkat"})
#: F_SETLK and F_OFD_SETLK.
_RECORD = frozenset({fcntl.F_SETLK, 37})
#: Of ``table``: a copy of a descriptor, as a shell makes one for each redirection.
_HARMLESS = frozenset({"look", "stat", "table"})
_TCGETS = 0x5401


class Attempt(NamedTuple):
    """One call that asks for a lock.

    Args:
        kind: ``flock``, ``record`` or ``name``.
        key: number of the locked file, or the name.
        pending: the call.
        wanted: a record lock as fcntl takes it; empty for others.
    """

    kind: str
    key: int | str
    pending: PendingSyscall
    wanted: bytes = b""

    def is_for(self, other: Attempt) -> bool:
        """Return whether another attempt is for the same lock."""
        return self.kind == other.kind and self.key == other.key


class Attempts:
    """Calls on the locks of one session directory.

    Args:
        files: the session directory.
        flocks: as they are held.
        recorder: knows of record locks.
    """

    def __init__(self, files: VirtualFiles, flocks: Flocks, recorder: EffectRecorder) -> None:
        self._files = files
        self._flocks = flocks
        self._recorder = recorder

    def of(self, pending: PendingSyscall) -> Attempt | None:
        """Return the attempt that a call is; None for any other call."""
        kind, inode = pending.call.kind, pending.inode
        if kind == "open":
            made = os.O_CREAT | os.O_EXCL
            return _by_name(pending, pending.name) if pending.flags & made == made else None
        if kind == "names":
            if pending.call.name not in _MAKING:
                return None
            return _by_name(pending, pending.name2 if pending.name2 is not None else pending.name)
        if kind != "lock" or inode is None:
            return None
        if pending.call is FLOCK:
            asks = pending.args[1] & fcntl.LOCK_NB and not pending.args[1] & fcntl.LOCK_UN
            return Attempt("flock", inode.number, pending) if asks else None
        if pending.args[1] not in _RECORD or not self._recorder.takes_record_lock(pending):
            return None
        return Attempt("record", inode.number, pending, self._recorder.wanted_record_lock(pending))

    def is_free(self, attempt: Attempt) -> bool:
        """Return whether an attempt would not be in vain now."""
        if attempt.kind == "name":
            return attempt.key not in self._files.names
        if attempt.kind == "flock":
            return not self._flocks.is_taken(attempt.pending)
        return not self._recorder.is_record_lock_taken(attempt.pending, attempt.wanted)

    def is_harmless(self, pending: PendingSyscall) -> bool:
        """Return whether a call that is no attempt leaves names, bytes and locks as they are."""
        call = pending.call
        if call.kind == "open":
            return self._opens_only(pending)
        if call.kind == "close":
            inode, fd = pending.inode, signed(pending.args[0])
            return inode is None or not self._flocks.holds(pending.process, inode, fd)
        if call.kind == "lock":
            # Such as F_GETFL and F_GETLK.
            return call is not FLOCK and not self._recorder.sets_record_lock(pending)
        return call.kind in _HARMLESS or (call.name == "ioctl" and pending.args[1] == _TCGETS)

    def _opens_only(self, pending: PendingSyscall) -> bool:
        if not pending.flags & (os.O_CREAT | os.O_TRUNC):
            return True
        name = pending.name
        if name is None or name not in self._files.names:
            return False
        if not pending.flags & os.O_TRUNC:
            return True
        try:
            # An empty lock file is emptied once more.
            return os.lstat(os.path.join(self._files.directory, name)).st_size == 0
        except OSError:
            return False

    def alias_of(self, attempt: Attempt) -> str:
        """Return the lock in words."""
        if attempt.kind == "name":
            return self._files.alias(str(attempt.key))
        inode = attempt.pending.inode
        assert inode is not None
        return f"the {'record lock' if attempt.kind == 'record' else 'flock'} on {inode.alias}"

    def flock_holders(self, attempt: Attempt) -> list[int]:
        """Return the lanes that hold the flock that an attempt is for."""
        return self._flocks.holders(attempt.pending.inode)


def _by_name(pending: PendingSyscall, name: str | None) -> Attempt | None:
    return None if name is None else Attempt("name", name, pending)
