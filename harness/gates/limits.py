"""Limits that the harness sets to the processes under test, and what to do for a fence that meets one."""

from __future__ import annotations

import errno

__all__ = ["DATA_BYTES_MAX", "FILE_BYTES_MAX", "named_limit", "of_limit"]

#: A fence that writes or remembers without end fails at these, before the machine does.
FILE_BYTES_MAX = 8 << 20
DATA_BYTES_MAX = 1 << 30

_LIMITS = {
    errno.ENOMEM: f"a process has at most {DATA_BYTES_MAX >> 20} MiB of data here, as the harness limits it; "
    "let the fence keep less in memory",
    errno.EFBIG: f"a file has at most {FILE_BYTES_MAX >> 20} MiB here, as the harness limits it; "
    "let the fence write less, or rotate its files",
}


#: How programs say on standard error which limit they met, in small letters.
_WORDS = {
    errno.ENOMEM: ("out of memory", "memoryerror", "enomem", "cannot allocate memory", "bad_alloc"),
    errno.EFBIG: ("efbig", "file too large"),
}


def named_limit(text: str) -> str:
    """Return which limit a program names in its last words, and what to do; empty for none."""
    said = text.lower()
    return next((_LIMITS[code] for code, words in _WORDS.items() if any(word in said for word in words)), "")


def of_limit(cause: int) -> str:
    """Return which limit an errno is of, and what to do; empty for none."""
    return _LIMITS.get(cause, "")
