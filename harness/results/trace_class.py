"""Trace classes: schedules are of one class if their conflicting steps come in the same order.

That is the case when each file and name saw the same steps in the same order, where reads
between two changes may come in any order. Thinking and closing do not count. The class is computed
from the history alone, by its calls and aliases, and serves to count what was seen. A search that
leaves schedules out needs the finer `harness.model.access_set`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from harness.model.history import PAUSES, Event, Step

__all__ = ["class_of"]

_encode = msgspec.msgpack.Encoder().encode

_UNSEEN = PAUSES | {"close", "lseek"}
_READS = frozenset(
    (
        *("read", "pread64", "readv", "preadv", "preadv2", "getdents", "getdents64", "fsync", "fdatasync"),
        *("access", "faccessat", "faccessat2", "readlink", "readlinkat", "name_to_handle_at"),
        *("file_getattr", "chdir"),
        *("stat", "lstat", "fstat", "newfstatat", "statx"),
    )
)
_OPENS = frozenset({"open", "openat", "openat2", "open_by_handle_at"})


def class_of(events: Iterable[Event]) -> int:
    """Return 64 bits that are the same for schedules of one class."""
    order: defaultdict[str, list[object]] = defaultdict(list)
    reads: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for event in events:
        if type(event) is not Step or event.call in _UNSEEN or not event.path:
            continue
        call = event.call
        token = event.lane, event.op, call
        # An open changes something only where it makes or empties a file.
        reads_only = call in _READS or (
            call in _OPENS and "CREAT" not in event.note and "TRUNC" not in event.note
        )
        for name in event.path.split(" > "):
            if reads_only:
                reads[name].append(token)
            else:
                if name in reads:
                    order[name].append(sorted(reads.pop(name)))
                order[name].append(token)
    for name, left in reads.items():
        order[name].append(sorted(left))
    data = _encode(sorted(order.items()))
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
