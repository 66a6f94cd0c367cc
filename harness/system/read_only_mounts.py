"""A mount namespace in which all but one directory is read-only, and that one has no devices.

Landlock leaves modes, owners, times and attributes of files alone; a read-only mount does not. It takes
CAP_SYS_ADMIN, which an ordinary user has in a user namespace (`harness.system.user_namespace`).
"""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
import threading

from harness.model.errors import GateUnavailable

__all__ = ["in_chroot", "make_read_only"]

#: The same on every type of machine.
_MOUNT_SETATTR = 442
_CLONE_NEWNS = 0x20000
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
#: MOUNT_ATTR_RDONLY; MOUNT_ATTR_NOSUID and MOUNT_ATTR_NODEV.
_READ_ONLY, _NO_DEVICES = 1, 2 | 4

_libc = ctypes.CDLL(None, use_errno=True)


def make_read_only(*directories: str) -> bool:
    """Make everything but some directories read-only for the calling thread and all that it starts.

    A device node in them cannot be opened.

    Args:
        directories: what stays writable; absolute and real.

    Returns:
        Whether this machine and user can; if not, as much may be written as before.

    Raises:
        GateUnavailable: everything is read-only, those directories too.
    """
    if sys.platform != "linux":
        return False
    paths = [directory.encode() for directory in directories]
    changed = (
        not in_chroot()
        and _libc.unshare(_CLONE_NEWNS) == 0
        # Nothing of it may reach the namespace of the others.
        and _libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) == 0
        and all(_libc.mount(path, path, None, _MS_BIND, None) == 0 for path in paths)
        and _set(b"/", _AT_RECURSIVE, struct.pack("=4Q", _READ_ONLY, 0, 0, 0))
    )
    for path in paths if changed else ():
        if not _set(path, 0, struct.pack("=4Q", _NO_DEVICES, _READ_ONLY, 0, 0)):
            raise GateUnavailable(f"mount_setattr of {path.decode()}: {os.strerror(ctypes.get_errno())}")
    return changed


@functools.cache
def in_chroot() -> bool:
    """Return whether / is another folder for a process that sees the same files through mounts of its own.

    The kernel then shows the worker's files to the explorer by longer paths, which begin outside of the
    chroot. The explorer would take them for files elsewhere.
    """
    found: list[str] = []

    def look() -> None:
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        try:
            if _libc.unshare(_CLONE_NEWNS) == 0:
                found.append(os.readlink(f"/proc/thread-self/fd/{root}"))
        finally:
            os.close(root)

    thread = threading.Thread(target=look, name="root-of-mounts")
    thread.start()
    thread.join()
    return found not in ([], ["/"])


def _set(path: bytes, flags: int, attributes: bytes) -> bool:
    result = _libc.syscall(
        _MOUNT_SETATTR, _AT_FDCWD, path, flags, attributes, ctypes.c_size_t(len(attributes))
    )
    return bool(result == 0)
