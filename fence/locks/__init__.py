"""Make the write locks below the fences, one file for each kind.

A fence gets its lock from `make_lock`. A new kind is a file and a line in `KINDS`; the gate's view of a
kind is in `harness.gates.kernel.write_lock`.
"""

from __future__ import annotations

from typing import Any

from fence.locks.directory import DirectoryLock
from fence.locks.flock import FlockLock
from fence.locks.lock import Lock, Options
from fence.locks.record import RecordLock
from fence.locks.sidecar import SidecarLock

__all__ = ["KINDS", "Lock", "make_lock"]

KINDS: dict[str, type[SidecarLock] | type[FlockLock] | type[DirectoryLock] | type[RecordLock]] = {
    SidecarLock.kind: SidecarLock,
    FlockLock.kind: FlockLock,
    DirectoryLock.kind: DirectoryLock,
    RecordLock.kind: RecordLock,
}


def make_lock(kind: str, transcript: str, options: Options, process: dict[str, Any] | None = None) -> Lock:
    """Return a handle on the write lock of a transcript.

    Args:
        kind: a name of `KINDS`.
        transcript: path of the transcript; the lock is beside it.
        options: those that begin with ``lock_`` are for the lock.
        process: shared by all handles of this process.

    Raises:
        ValueError: there is no such kind, or an option has an invalid value.
    """
    if kind not in KINDS:
        raise ValueError(f"lock kind: {kind!r}, expected one of {', '.join(KINDS)}; see fence.locks.KINDS")
    return KINDS[kind](transcript, options, process)
