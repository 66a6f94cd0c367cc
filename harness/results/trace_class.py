"""Which schedules come to the same: a class is the order of the steps that meet.

Two schedules are of one class when each file and name saw the same steps in the same
order, looks between two changes in any order. What stands between, thinking and
closing, does not count. It is read off histories alone, by the calls and the aliases in
them, and serves to count what was seen; a search that leaves schedules out needs the
finer `harness.model.access_set`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from harness.model.history import Event, Step

__all__ = ["class_of"]

_UNSEEN = frozenset({"think", "sleep", "turn", "close", "lseek"})
_LOOKS = frozenset(
    (
        *("read", "pread64", "readv", "preadv", "preadv2", "getdents", "getdents64", "fsync", "fdatasync"),
        *("access", "faccessat", "faccessat2", "readlink", "readlinkat", "name_to_handle_at"),
        *("stat", "lstat", "fstat", "newfstatat", "statx"),
    )
)
_OPENS = frozenset({"open", "openat", "openat2", "open_by_handle_at"})


def class_of(events: Iterable[Event]) -> int:
    """64 bits that are the same for schedules of one class."""
    order: dict[str, list[str]] = {}
    looks: dict[str, list[str]] = {}
    for event in events:
        if not isinstance(event, Step) or event.call in _UNSEEN or not event.path:
            continue
        token = f"{event.lane}.{event.op} {event.call}"
        # An open changes something only where it makes or empties a file.
        looks_only = event.call in _LOOKS or (
            event.call in _OPENS and "CREAT" not in event.note and "TRUNC" not in event.note
        )
        for name in event.path.split(" > "):
            if looks_only:
                looks.setdefault(name, []).append(token)
            else:
                before = looks.pop(name, None)
                seen = order.setdefault(name, [])
                if before:
                    seen.append("|".join(sorted(before)))
                seen.append(token)
    for name, left in looks.items():
        order.setdefault(name, []).append("|".join(sorted(left)))
    text = "\n".join(f"{name}: {', '.join(order[name])}" for name in sorted(order))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
