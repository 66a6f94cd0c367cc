"""Replace a file and keep the replaced file.

A plain rename over a path destroys the replaced file unseen. This module exchanges the two names
instead: afterwards the replaced file has the new file's old name and can be read.
`fence.rename_check` tells whether it still has the content of that moment.
"""

from __future__ import annotations

import ctypes
import errno
import os

__all__ = ["exchange"]

_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)

_renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def exchange(new: str, path: str) -> None:
    """Put the file `new` at `path`; afterwards the file that was at `path` has the name `new`.

    If there was no file at `path`, no file is left at `new`. Without renameat2 (macOS, network file
    systems) a hard link keeps the old file; then a file that another process renames over the path
    between the two calls is lost.

    Raises:
        OSError: as rename.
    """
    while True:
        number = _rename(new, path, _EXCHANGE)
        if number == errno.ENOENT:
            # There is no file to exchange with, unless another process makes one before the next call.
            number = _rename(new, path, _NOREPLACE)
            if number == errno.EEXIST:
                continue
        if number in _UNSUPPORTED:
            _by_link(new, path)
        elif number:
            raise OSError(number, os.strerror(number), path)
        return


def _rename(new: str, path: str, flags: int) -> int:
    if _renameat2 is None:
        return errno.ENOSYS
    failed = _renameat2(_AT_FDCWD, os.fsencode(new), _AT_FDCWD, os.fsencode(path), flags)
    return ctypes.get_errno() if failed else 0


def _by_link(new: str, path: str) -> None:
    kept = f"{new}.kept"
    try:
        os.link(path, kept)
    except FileNotFoundError:
        os.rename(new, path)
        return
    os.rename(new, path)
    os.rename(kept, new)
