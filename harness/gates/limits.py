"""Limits for the processes under test, and what to do for a fence that meets one.

The harness sets some of them; others are those of the machine, see `harness.system.machine_limits`.
"""

from __future__ import annotations

import errno
import os
import signal

from harness.model.errors import UsageError
from harness.system.machine_limits import open_files_max

__all__ = ["DATA_BYTES_MAX", "FILE_BYTES_MAX", "named_limit", "of_limit", "of_signal", "wall_limit_s"]

#: A fence that writes or remembers without end fails at these, before the machine does.
FILE_BYTES_MAX = 8 << 20
DATA_BYTES_MAX = 1 << 30

#: Variable of the environment with a gate's limit in real seconds: little in tests, much for slow programs.
_WALL_LIMIT = "HARNESS_WALL_LIMIT_S"
#: Longer than any schedule.
_WALL_LIMIT_S_MAX = 1e9
_LIMITS = {
    errno.ENOMEM: f"a process has at most {DATA_BYTES_MAX >> 20} MiB of data here, as the harness limits it; "
    "let the fence keep less in memory",
    errno.EFBIG: f"a file has at most {FILE_BYTES_MAX >> 20} MiB here, as the harness limits it; "
    "let the fence write less, or rotate its files",
}


#: A fence that has so many files open leaks them; one that cannot have them is short of them.
_OPEN_FILES_USUAL = 1024
#: How programs say on standard error which limit they met, in small letters.
_WORDS = {
    errno.ENOMEM: (
        *("out of memory", "memoryerror", "enomem", "cannot allocate memory", "bad_alloc"),
        *("failed to allocate memory", "memory allocation of"),
    ),
    errno.EFBIG: ("efbig", "file too large"),
    errno.EMFILE: ("emfile", "too many open files"),
}


def named_limit(text: str) -> str:
    """Return which limit a program names in its last words, and what to do; empty for none."""
    said = text.lower()
    named = (of_limit(code) for code, words in _WORDS.items() if any(word in said for word in words))
    return next(filter(None, named), "")


def of_limit(cause: int) -> str:
    """Return which limit of the harness or of the machine an errno is of, and what to do; empty for none."""
    files = open_files_max()
    if cause == errno.ENFILE or (cause == errno.EMFILE and files < _OPEN_FILES_USUAL):
        return (
            f"at most {files} files may be open at a time on this machine, {_OPEN_FILES_USUAL} are usual; "
            "raise the limit (ulimit -n)"
        )
    if cause == errno.EAGAIN:
        return (
            "this machine allows no further process or thread; raise the limit (ulimit -u, and pids.max of a "
            "container)"
        )
    return _LIMITS.get(cause, "")


def of_signal(number: int) -> str:
    """Return which limit of the harness the kernel ends a process for by a signal; empty for none."""
    return _LIMITS[errno.EFBIG] if number == signal.SIGXFSZ else ""


def wall_limit_s(usual_s: float) -> float:
    """Return how many real seconds a gate waits for what hangs.

    Args:
        usual_s: where the environment does not say.

    Raises:
        UsageError: the environment says something that is no such number.
    """
    given = os.environ.get(_WALL_LIMIT)
    if given is None:
        return usual_s
    try:
        limit_s = float(given)
    except ValueError:
        limit_s = 0.0
    if not 0 < limit_s <= _WALL_LIMIT_S_MAX:
        raise UsageError(f"{_WALL_LIMIT}={given}: expected seconds above 0; set a number, or unset it")
    return limit_s
