"""Putting a file in another's place so that what was there stays at hand.

A plain rename over a path destroys what it replaces unseen. Here it is exchanged:
afterwards the replaced file lies under the newcomer's old name and can be looked at.
What it held at that moment is up to `fence.rename_check`.
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
    """Put the file `new` at `path`; what was at `path` is under the name `new` then.

    Where nothing was at `path`, nothing is left at `new`. Without renameat2 (macOS,
    network file systems) a hard link keeps the old file; then a file that somebody
    renames over the path between the two calls is lost.

    Raises:
        OSError: as rename.
    """
    while True:
        number = _rename(new, path, _EXCHANGE)
        if number == errno.ENOENT:
            # Nothing to exchange with, unless somebody is quicker than the next call.
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
