"""The file of the session directory that a trapped call's arguments mean.

A path is told by its parent's device and inode, never by its text alone, so that
a symlink, a relative path or another mount point cannot lead past the gate.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Final

from harness.gates.kernel import linux_abi
from harness.gates.kernel.inode import Inode
from harness.gates.kernel.process import Process
from harness.gates.kernel.random_files import is_answered
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["OUTSIDE", "UNKNOWN", "as_seen_by", "descriptor", "is_indirect", "path_name", "signed"]

#: A path that is no business of the gate.
OUTSIDE = None

#: A descriptor that has not been looked up.
UNKNOWN: Final = Inode(-1, -1, -1, "", "", 0)

#: Files of the kernel's that lock libraries read often, and that cannot lead anywhere.
_KERNELS_OWN: Final = re.compile(rb"/proc/(?:\d+|self)/(?:stat|status|cmdline|comm)\Z").match
_OWN: Final = ("/proc/self", "/proc/thread-self", "/dev/")
_NUMBERED: Final = re.compile(r"/proc/\d+(?:/|\Z)").match
_OWN_NAMES: Final = (
    ("/proc/self", ""),
    ("/proc/thread-self", ""),
    ("/dev/fd", "/fd"),
    ("/dev/stdin", "/fd/0"),
    ("/dev/stdout", "/fd/1"),
    ("/dev/stderr", "/fd/2"),
)


def signed(value: int) -> int:
    """Return a register's low half as the C int that it holds."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def descriptor(files: VirtualFiles, process: Process, fd: int) -> Inode | None:
    """Return the file behind a descriptor; None when it is not one of the session's.

    Answers are kept until the descriptor is closed: close, dup2 and close_range
    are trapped, so nothing can change behind the table.
    """
    inode = process.fds.get(fd, UNKNOWN)
    if inode is not UNKNOWN:
        return inode
    found = _look_up(files, process, fd)
    if found is UNKNOWN:
        return OUTSIDE
    process.remember_fd(fd, found)
    return found


def _look_up(files: VirtualFiles, process: Process, fd: int) -> Inode | None:
    """Return the file behind a descriptor; `UNKNOWN` where its reads have to be looked at each time."""
    link = f"/proc/{process.pid}/fd/{fd}"
    try:
        status = os.stat(link)
    except OSError:
        process.missed_fd()
        return OUTSIDE
    if status.st_dev != files.device:
        return UNKNOWN if is_answered(link, status) else OUTSIDE
    if status.st_ino == files.directory_ino:
        return files.directory_inode
    inode = files.by_ino.get(status.st_ino)
    # The number of a file that is gone may be that of a file elsewhere by now.
    if inode is None or inode.names or inode.opens > 0:
        return inode
    return inode if files.copied and os.readlink(link).startswith(files.directory + "/") else OUTSIDE


def path_name(
    files: VirtualFiles, process: Process, at: int, raw: bytes
) -> tuple[str | None, Inode | None, str]:
    """Return what a path means.

    Args:
        at: directory descriptor, `abi.AT_FDCWD` for the working directory.
        raw: the path's bytes; not empty.

    Returns:
        Name in the session directory, such as ``lock/pid`` (None outside, ``.`` for the directory
        itself), the file that it leads to from outside if any, and the absolute path.
    """
    path = as_seen_by(process, os.fsdecode(raw))
    if _KERNELS_OWN(raw):
        return None, None, path
    if not path.startswith("/"):
        base = f"/proc/{process.pid}/cwd" if at == linux_abi.AT_FDCWD else f"/proc/{process.pid}/fd/{at}"
        try:
            path = os.path.join(os.readlink(base), path)
        except OSError:
            return None, None, path
    prefix = files.directory + "/"
    if path.startswith(prefix):
        name = path[len(prefix) :]
        if name and "/" not in name and name not in (".", ".."):
            return name, None, path
    return _by_parent(files, path)


def as_seen_by(process: Process, path: str) -> str:
    """Return a path as the supervisor has to name it: names for the calling process itself have its id."""
    if path.startswith(_OWN):
        for own, named in _OWN_NAMES:
            if path == own or path.startswith(own + "/"):
                return f"/proc/{process.pid}{named}{path[len(own) :]}"
    if process.first_pid and _NUMBERED(path):
        return f"/proc/{process.first_pid}/root{path}"
    return path


def _by_parent(files: VirtualFiles, path: str) -> tuple[str | None, Inode | None, str]:
    stripped = path.rstrip("/") or "/"
    parent, name = os.path.split(stripped)
    try:
        status = os.stat(parent)
        place = files.place_of(status)
        if place is not None and name not in ("", ".", ".."):
            return place + name, None, path
    except OSError:
        return _below_nothing(files, parent, name), None, path
    if not stat.S_ISDIR(status.st_mode):
        return _below_nothing(files, parent, name), None, path
    try:
        status = os.stat(stripped)
    except OSError:
        return None, None, path
    place = files.place_of(status)
    if place is not None:
        return place.rstrip("/") or ".", None, path
    if status.st_dev == files.device:
        inode = files.by_ino.get(status.st_ino)
        if inode is not None and (inode.names or inode.opens > 0):
            return None, inode, path
        if os.path.realpath(stripped).startswith(files.directory + "/"):
            return os.path.realpath(stripped)[len(files.directory) + 1 :], None, path
    return None, None, path


def _below_nothing(files: VirtualFiles, parent: str, name: str) -> str | None:
    """Return the name of a path whose parent is no directory: it hangs on what is missing in the session.

    Returns:
        None where what is missing is outside.
    """
    while parent not in ("", "/"):
        parent, missing = os.path.split(parent)
        # The kernel never looks at the rest of a path after a name that is missing.
        name = missing if ".." in name.split("/") else f"{missing}/{name}"
        try:
            status = os.stat(parent or "/")
        except OSError:
            continue
        place = files.place_of(status)
        if place is not None:
            return place + name if missing not in ("", ".", "..") else None
        if stat.S_ISDIR(status.st_mode):
            return None
    return None


def is_indirect(files: VirtualFiles, path: str, name: str | None) -> bool:
    """Return whether a path leads to a name by way of a link, of ``..``, or from outside.

    Args:
        path: absolute, as the caller wrote it.
        name: where it leads, see `path_name`.
    """
    if name is None or name == ".":
        return False
    return f"{files.directory}/{name}" != path.replace("/./", "/").rstrip("/")
