"""The errors that each system call can give, by name: what a scenario's `error` may be.

Each row is the ERRORS section of the call's manual page (Linux man-pages 6.03) without EBADF and EFAULT,
which only a wrong program meets, plus what file systems answer though no page says so: see `_DISK`,
`_READ_ONLY` and the remarks beside the rows.
"""

from __future__ import annotations

import errno
from typing import Final, Literal, get_args

from harness.scenario.faults.names import INTERRUPTIBLE

__all__ = ["ERRORS", "ERRORS_OF_CALL", "OF_NAMES", "SPELLINGS", "ErrorName", "errors_of", "recorded_name"]

ErrorName = Literal[
    "EACCES",
    "EAGAIN",
    "EBUSY",
    "EDEADLK",
    "EDQUOT",
    "EEXIST",
    "EFBIG",
    "EINTR",
    "EINVAL",
    "EIO",
    "EISDIR",
    "ELOOP",
    "EMFILE",
    "EMLINK",
    "ENAMETOOLONG",
    "ENFILE",
    "ENODEV",
    "ENOENT",
    "ENOLCK",
    "ENOMEM",
    "ENOSPC",
    "ENOSYS",
    "ENOTCONN",
    "ENOTDIR",
    "ENOTEMPTY",
    "ENOTSUP",
    "ENXIO",
    "EOPNOTSUPP",
    "EOVERFLOW",
    "EPERM",
    "EROFS",
    "ESTALE",
    "ETIMEDOUT",
    "ETXTBSY",
    "EWOULDBLOCK",
    "EXDEV",
]
ERRORS: Final[tuple[ErrorName, ...]] = get_args(ErrorName)
#: Second spellings of one number, and the one that histories have.
SPELLINGS: Final[dict[str, str]] = {"ENOTSUP": "EOPNOTSUPP", "EWOULDBLOCK": "EAGAIN"}
#: Errors that say whether a name is there. A call that is made to fail did not run, so they are not true:
#: network file systems give them so, from what they remembered or for a request that they sent twice.
OF_NAMES: Final = frozenset({"EEXIST", "EISDIR", "ELOOP", "ENOENT", "ENOTDIR", "ENOTEMPTY"})

#: Any call that reaches a disk, a server (nfs(5), softerr) or a daemon (FUSE).
_DISK: Final = "EIO ENOMEM ESTALE ETIMEDOUT ENOTCONN"
#: Errors about a path, beside those that a call has for itself.
_PATH: Final = "EACCES ELOOP ENAMETOOLONG ENOENT ENOTDIR"
_FULL: Final = "EDQUOT ENOSPC"
#: ext4 gives it to any change after it has made itself read-only because of an error.
_READ_ONLY: Final = "EROFS"
_OPEN: Final = (
    f"{_PATH} {_FULL} {_READ_ONLY} EBUSY EEXIST EFBIG EINVAL EISDIR EMFILE ENFILE ENODEV ENXIO EOPNOTSUPP "
    "EOVERFLOW EPERM ETXTBSY EAGAIN"
)
_WRITE: Final = f"{_FULL} {_READ_ONLY} EAGAIN EFBIG EINVAL EPERM"
_CUT: Final = f"{_FULL} {_READ_ONLY} EFBIG EINVAL EPERM ETXTBSY"
_SYNC: Final = f"{_FULL} {_READ_ONLY} EINVAL"
_RENAME: Final = (
    f"{_PATH} {_FULL} {_READ_ONLY} EBUSY EEXIST EINVAL EISDIR EMLINK ENOTEMPTY EPERM EXDEV EOPNOTSUPP"
)
#: CIFS and some FUSE file systems say EOPNOTSUPP where the page has EPERM: no hard links there.
_LINK: Final = f"{_PATH} {_FULL} {_READ_ONLY} EEXIST EINVAL EMLINK EPERM EXDEV EOPNOTSUPP"
_UNLINK: Final = f"{_PATH} {_READ_ONLY} EBUSY EINVAL EISDIR EPERM"
_MKDIR: Final = f"{_PATH} {_FULL} {_READ_ONLY} EEXIST EINVAL EMLINK EPERM"
_SYMLINK: Final = f"{_PATH} {_FULL} {_READ_ONLY} EEXIST EPERM EOPNOTSUPP"
_CHMOD: Final = f"{_READ_ONLY} EINVAL EOPNOTSUPP EPERM"
#: ENOSYS and EPERM: kernels and container filters that are older than the call.
_NEW: Final = "ENOSYS EPERM"
#: Lustre without its option flock says ENOSYS, NFS without a lock daemon ENOLCK, others EOPNOTSUPP.
_LOCK: Final = "EAGAIN EINVAL ENOLCK ENOSYS EOPNOTSUPP"

_ROWS: Final[dict[str, str]] = {
    "open openat": _OPEN,
    "read": "EAGAIN EINVAL EISDIR",
    "pread64": "EAGAIN EINVAL EISDIR ENXIO EOVERFLOW",
    "write pwrite64": _WRITE,
    "ftruncate": _CUT,
    "truncate": f"{_CUT} {_PATH} EISDIR",
    "fsync fdatasync": _SYNC,
    "fstat": "EOVERFLOW",
    "stat lstat": f"{_PATH} EOVERFLOW",
    "newfstatat": f"{_PATH} EINVAL EOVERFLOW",
    "statx": f"{_PATH} {_NEW} EINVAL EOVERFLOW",
    "rename renameat": _RENAME,
    "renameat2": f"{_RENAME} ENOSYS",
    "link linkat": _LINK,
    "unlink": _UNLINK,
    "unlinkat": f"{_UNLINK} EEXIST ENOTEMPTY",
    "mkdir mkdirat": _MKDIR,
    "rmdir": f"{_UNLINK} EEXIST ENOTEMPTY",
    "symlink symlinkat": _SYMLINK,
    "readlink readlinkat": f"{_PATH} EINVAL",
    "chmod fchmodat": f"{_CHMOD} {_PATH}",
    "fchmod": _CHMOD,
    "copy_file_range": f"{_FULL} {_READ_ONLY} {_NEW} EFBIG EINVAL EISDIR EOPNOTSUPP EOVERFLOW ETXTBSY EXDEV",
    "flock": _LOCK,
    "fcntl": f"{_LOCK} EACCES EDEADLK",
}


def _complete(call: str, row: str) -> tuple[ErrorName, ...]:
    words = {*row.split(), *_DISK.split(), *(["EINTR"] if call in INTERRUPTIBLE else [])}
    words |= {second for second, first in SPELLINGS.items() if first in words}
    assert words <= set(ERRORS), words - set(ERRORS)
    return tuple(name for name in ERRORS if name in words)


#: By call, in the order of `ERRORS`; a close is not there, for one that fails has taken effect all the same.
ERRORS_OF_CALL: Final[dict[str, tuple[ErrorName, ...]]] = {
    call: _complete(call, row) for calls, row in _ROWS.items() for call in calls.split()
}


def errors_of(call: str) -> tuple[ErrorName, ...]:
    """Return the errors that a call can be made to fail with; none for one that cannot fail so."""
    return ERRORS_OF_CALL.get(call, ())


def recorded_name(error: str | int) -> str:
    """Return the name by which histories have an error, given by number or by any of its spellings."""
    if isinstance(error, int):
        name = errno.errorcode[error]
        # Python's own choice among the names of a number may differ from version to version.
        return _CHOSEN.get(error, name)
    return SPELLINGS.get(error, error)


_CHOSEN: Final = {getattr(errno, name): name for name in ERRORS if name not in SPELLINGS}
