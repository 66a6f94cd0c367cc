"""The words of a fault: calls, errors and files that one can name."""

from __future__ import annotations

from typing import Final, Literal, get_args

__all__ = ["CALLS", "CUTTABLE", "ERRORS", "FILES", "CallName", "ErrorName", "FileName"]

#: Calls that leave everything as it was when they fail. A close that fails has closed all the
#: same and is not among them, nor are the calls that only wait for a lock.
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
]
#: Errors that say nothing about whether a file is there or whose it is.
ErrorName = Literal["EDQUOT", "EFBIG", "EINTR", "EIO", "ENOMEM", "ENOSPC", "ESTALE"]
FileName = Literal["transcript", "beside"]

CALLS: Final[tuple[CallName, ...]] = get_args(CallName)
#: Those that can be cut short.
CUTTABLE: Final[tuple[CallName, ...]] = ("write", "pwrite64")
ERRORS: Final[tuple[ErrorName, ...]] = get_args(ErrorName)
FILES: Final[tuple[FileName, ...]] = get_args(FileName)
