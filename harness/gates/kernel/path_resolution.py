"""From a trapped call's arguments to the file of the session directory it means.

A path is told by its parent's device and inode, never by its text alone, so that
a symlink, a relative path or another mount point cannot lead past the gate.
"""

from __future__ import annotations

import os
import re
from typing import Any

from harness.gates.kernel import linux_abi
from harness.gates.kernel.lane import Process
from harness.gates.kernel.virtual_files import Node, VirtualFiles

__all__ = ["OUTSIDE", "UNKNOWN", "as_seen_by", "descriptor", "path_name", "signed"]

#: A path that is no business of the gate.
OUTSIDE = None

#: A descriptor that has not been looked up.
UNKNOWN: Any = object()

#: Files of the kernel's that lock libraries read often, and that cannot lead anywhere.
_KERNELS_OWN = re.compile(rb"/proc/(?:\d+|self)/(?:stat|status|cmdline|comm)\Z").match
_OWN = ("/proc/self", "/proc/thread-self", "/dev/")
_OWN_NAMES = (
    ("/proc/self", ""),
    ("/proc/thread-self", ""),
    ("/dev/fd", "/fd"),
    ("/dev/stdin", "/fd/0"),
    ("/dev/stdout", "/fd/1"),
    ("/dev/stderr", "/fd/2"),
)


def signed(value: int) -> int:
    """A register's low half as the C int that it holds."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def descriptor(world: VirtualFiles, space: Process, fd: int) -> Node | None:
    """The file behind a descriptor; None when it is not one of the session's.

    Answers are kept until the descriptor is closed: close, dup2 and close_range
    are trapped, so nothing can change behind the table.
    """
    node: Node | None = space.fds.get(fd, UNKNOWN)
    if node is not UNKNOWN:
        return node
    found = _look_up(world, space, fd)
    space.fds[fd] = found
    return found


def _look_up(world: VirtualFiles, space: Process, fd: int) -> Node | None:
    link = f"/proc/{space.pid}/fd/{fd}"
    try:
        status = os.stat(link)
    except OSError:
        return OUTSIDE
    if status.st_dev != world.device:
        return OUTSIDE
    if status.st_ino == world.directory_ino:
        return world.directory_node
    node = world.by_ino.get(status.st_ino)
    # The number of a file that is gone may be that of a file elsewhere by now.
    if node is None or node.names or node.opens > 0:
        return node
    return node if world.copied and os.readlink(link).startswith(world.directory + "/") else OUTSIDE


def path_name(
    world: VirtualFiles, space: Process, at: int, raw: bytes
) -> tuple[str | None, Node | None, str]:
    """What a path means.

    Args:
        at: directory descriptor, `abi.AT_FDCWD` for the working directory.
        raw: the path's bytes; not empty.

    Returns:
        Name in the session directory (None outside, ``.`` for the directory itself),
        the file that it leads to from outside if any, and the absolute path.
    """
    path = as_seen_by(space, os.fsdecode(raw))
    if _KERNELS_OWN(raw):
        return None, None, path
    if not path.startswith("/"):
        base = f"/proc/{space.pid}/cwd" if at == linux_abi.AT_FDCWD else f"/proc/{space.pid}/fd/{at}"
        try:
            path = os.path.join(os.readlink(base), path)
        except OSError:
            return None, None, path
    prefix = world.directory + "/"
    if path.startswith(prefix):
        name = path[len(prefix) :]
        if name and "/" not in name and name not in (".", ".."):
            return name, None, path
    return _by_parent(world, path)


def as_seen_by(space: Process, path: str) -> str:
    """A path with the names that mean the calling process replaced by names that mean the worker."""
    if path.startswith(_OWN):
        for own, named in _OWN_NAMES:
            if path == own or path.startswith(own + "/"):
                return f"/proc/{space.pid}{named}{path[len(own) :]}"
    return path


def _by_parent(world: VirtualFiles, path: str) -> tuple[str | None, Node | None, str]:
    stripped = path.rstrip("/") or "/"
    parent, name = os.path.split(stripped)
    here = (world.device, world.directory_ino)
    try:
        status = os.stat(parent)
        if (status.st_dev, status.st_ino) == here and name not in ("", ".", ".."):
            return name, None, path
    except OSError:
        return None, None, path
    try:
        status = os.stat(stripped)
    except OSError:
        return None, None, path
    if (status.st_dev, status.st_ino) == here:
        return ".", None, path
    if status.st_dev == world.device:
        node = world.by_ino.get(status.st_ino)
        if node is not None and (node.names or node.opens > 0):
            return None, node, path
        if os.path.realpath(stripped).startswith(world.directory + "/"):
            return os.path.realpath(stripped)[len(world.directory) + 1 :], None, path
    return None, None, path
