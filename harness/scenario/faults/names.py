"""The words of a fault that a call has: calls and files that one can name; `errors` has the errors."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = [
    "CALLS",
    "CALL_FAULTS",
    "CUTTABLE",
    "FAILING",
    "FILES",
    "INTERRUPTIBLE",
    "LOCKING",
    "MAKING",
    "OTHER_FORMS",
    "CallName",
    "FileName",
]

#: All but the last leave everything as it was when they fail. A close that fails has closed all the same.
CallName = Literal[
    "open",
    "openat",
    "read",
    "pread64",
    "write",
    "pwrite64",
    "ftruncate",
    "truncate",
    "fsync",
    "fdatasync",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "statx",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "symlink",
    "symlinkat",
    "readlink",
    "readlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "copy_file_range",
    "fcntl",
    "flock",
    "close",
]
FileName = Literal["transcript", "beside", "lock", "any"]

CALLS: Final[tuple[CallName, ...]] = get_args(CallName)
#: Those that can be made to fail, each with the errors that `errors` has for it.
FAILING: Final[tuple[CallName, ...]] = CALLS[:-1]
#: Those that can be cut short.
CUTTABLE: Final[tuple[CallName, ...]] = ("write", "pwrite64")
#: Those that a signal may interrupt: POSIX says so, and on a network or a slow device Linux does so.
INTERRUPTIBLE: Final[tuple[CallName, ...]] = (
    *("open", "openat", "read", "pread64", "write", "pwrite64"),
    *("ftruncate", "truncate", "fsync", "fdatasync", "flock", "fcntl"),
)
#: Those that lock a file; without a file of its own, their fault is about the lock.
LOCKING: Final[tuple[CallName, ...]] = ("flock", "fcntl")
#: Those that only take a lock and never let go of one, so that they may fail on the lock's file, too.
MAKING: Final[tuple[CallName, ...]] = ("link", "linkat", "mkdir", "mkdirat", "symlink", "symlinkat")
#: Calls that do what a call of a shorter name does: a scenario that names that means them all.
OTHER_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "open": ("openat", "openat2"),
    "rename": ("renameat", "renameat2"),
    "link": ("linkat",),
    "unlink": ("unlinkat",),
    "mkdir": ("mkdirat",),
    "symlink": ("symlinkat",),
    "readlink": ("readlinkat",),
    "chmod": ("fchmodat", "fchmodat2"),
}
FILES: Final[tuple[FileName, ...]] = get_args(FileName)

#: The faults of a call, by the key of a scenario's fault.
CALL_FAULTS: Final[dict[str, str]] = {
    "error": "a file call fails, as on a full or broken disk, or because a signal interrupts it",
    "cut": "a write writes a part of its bytes; then the call after it fails, or the process is killed",
}
