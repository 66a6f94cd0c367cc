"""The words of a fault that a call has: calls, errors and files that one can name."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = [
    "CALLS",
    "CALL_FAULTS",
    "CUTTABLE",
    "ERRORS",
    "FAILING",
    "FILES",
    "INTERRUPTIBLE",
    "CallName",
    "ErrorName",
    "FileName",
]

#: All but the last two leave everything as it was when they fail. A close that fails has closed
#: all the same; an flock fails only when a signal ends its wait.
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
    "flock",
    "close",
]
#: Errors that say nothing about whether a file is there or whose it is.
ErrorName = Literal["EDQUOT", "EFBIG", "EINTR", "EIO", "ENOMEM", "ENOSPC", "ESTALE"]
FileName = Literal["transcript", "beside", "lock", "any"]

CALLS: Final[tuple[CallName, ...]] = get_args(CallName)
#: Those that can be made to fail; an flock with EINTR alone.
FAILING: Final[tuple[CallName, ...]] = CALLS[:-1]
#: Those that can be cut short.
CUTTABLE: Final[tuple[CallName, ...]] = ("write", "pwrite64")
#: Those that a signal may interrupt: POSIX says so, and on a network or a slow device Linux does so.
INTERRUPTIBLE: Final[tuple[CallName, ...]] = (
    *("open", "openat", "read", "pread64", "write", "pwrite64"),
    *("ftruncate", "truncate", "fsync", "fdatasync", "flock"),
)
ERRORS: Final[tuple[ErrorName, ...]] = get_args(ErrorName)
FILES: Final[tuple[FileName, ...]] = get_args(FileName)

#: What can go wrong with a call, by the key of a scenario's fault.
CALL_FAULTS: Final[dict[str, str]] = {
    "error": "a file call fails, as on a full or broken disk, or because a signal interrupts it",
    "cut": "a write writes a part of its bytes; then the call after it fails, or the process is killed",
}
