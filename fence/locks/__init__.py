"""The write locks below the fences, one kind a file, one line here.

`make_lock` is how a fence gets one. A kind is a `LockKind` record: what differs by kind, for fences, gates
and oracle, is in its fields. A kind from outside is an entry point of the group
``takeover_harness.lock_kinds``.
"""

from __future__ import annotations

from typing import Any, Final

from fence.locks import directory, flock, no_lock, record, sidecar
from fence.locks.kind import LockFile, LockKind
from fence.locks.lock import Lock, Options
from fence.registry import Registry, named

__all__ = ["KINDS", "Lock", "LockFile", "LockKind", "make_lock"]

_MEMBERS: Final = (sidecar.KIND, flock.KIND, directory.KIND, record.KIND, no_lock.KIND)
_IS_KIND = named(LockKind)


def _fault(name: str, found: object) -> str:
    fault = _IS_KIND(name, found)
    if not fault and isinstance(found, LockKind) and "lock" not in found.suffix:
        return f"its suffix is {found.suffix!r}, expected one that contains 'lock'"
    return fault


#: Every kind by name.
KINDS: Final = Registry(
    "lock kind", "takeover_harness.lock_kinds", {kind.name: kind for kind in _MEMBERS}, _fault
)


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
    return KINDS[kind].make(transcript, options, process)
