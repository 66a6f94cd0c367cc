"""Confinement: a lane may not change anything outside the session directory.

The answer is EROFS, as a read-only mount around the directory would give. Outside,
reading is allowed, and writing to devices that keep nothing of it. The kernel stands behind
these answers (`harness.system.landlock`): the memory of an argument can change after it was read here.
"""

from __future__ import annotations

import functools
import os
import stat
from typing import Final

from harness.gates.kernel import linux_abi
from harness.gates.kernel.path_resolution import as_seen_by, signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.syscall_table import opens_for_writing
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["crosses", "forbidden_outside", "leads_out", "looked_at", "makes_device", "within"]

_CHANGES_FILES: Final = frozenset({"data", "meta", "names"})
_AF_UNIX: Final = 1
#: Major and minor numbers of null, zero, full, and of tty: the terminal that a program has, or none.
_DEVICES: Final = frozenset({(1, 3), (1, 5), (1, 7), (5, 0)})
#: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR change a file through a descriptor that only reads.
_ATTRIBUTES: Final = frozenset({0x40086602, 0x401C5820})


def crosses(pending: PendingSyscall) -> bool:
    """Return whether a rename or a link would carry a file into or out of the session directory.

    A link may be made of an open file of the session, such as one that has no name.
    """
    if pending.call.path2 < 0:
        return False
    return pending.name2 is None or (pending.name is None and not _links_open_file(pending))


def _links_open_file(pending: PendingSyscall) -> bool:
    if pending.inode is None or pending.call.name != "linkat":
        return False
    return bool(pending.args[4] & (linux_abi.AT_EMPTY_PATH | linux_abi.AT_SYMLINK_FOLLOW))


def leads_out(files: VirtualFiles, pending: PendingSyscall) -> bool:
    """Return whether a call would change what a symlink inside points to outside."""
    if pending.name is None or pending.name not in files.symlinks:
        return False
    kind = pending.call.kind
    if kind == "open":
        if not opens_for_writing(pending.flags):
            return False
    elif kind not in ("data", "meta"):
        return False
    target = os.path.realpath(os.path.join(files.directory, pending.name))
    return not target.startswith(files.directory + "/")


def forbidden_outside(process: Process, pending: PendingSyscall, private: str = "") -> bool:
    """Return whether a call that is not about the session directory would change a file elsewhere.

    Args:
        process: that makes it.
        pending: the call.
        private: another directory in which the lane may change what it likes; empty for none.
    """
    return _changes_outside(process, pending) and not (private and within(process, pending, private))


def within(process: Process, pending: PendingSyscall, directory: str, *, all_of_them: bool = True) -> bool:
    """Return whether the paths of a call, or its descriptor, lead into a directory.

    Args:
        process: that makes it.
        pending: the call.
        directory: absolute and real.
        all_of_them: both of two paths; else one is enough.
    """
    call, args = pending.call, pending.args
    if call.name == "bind":
        return False
    if call.path < 0:
        return call.fd >= 0 and _link(process, f"fd/{signed(args[call.fd])}").startswith(directory + "/")
    found = [_leads_into(process, directory, args[call.path], args[call.at] if call.at >= 0 else None)]
    if call.path2 >= 0:
        at = args[call.at2] if call.at2 >= 0 else None
        found.append(_leads_into(process, directory, args[call.path2], at))
    return all(found) if all_of_them else any(found)


def _leads_into(process: Process, directory: str, address: int, at: int | None) -> bool:
    parent, name = os.path.split(_named(process, address, at).rstrip("/"))
    return name not in ("", ".", "..") and f"{os.path.realpath(parent)}/".startswith(directory + "/")


def _named(process: Process, address: int, at: int | None) -> str:
    """Return the absolute path that a call names."""
    raw = process.memory.path(address) if address else b""
    path = as_seen_by(process, os.fsdecode(raw))
    if not path.startswith("/"):
        base = "cwd" if at is None or signed(at) == linux_abi.AT_FDCWD else f"fd/{signed(at)}"
        path = os.path.join(_link(process, base), path)
    return path


def looked_at(process: Process, pending: PendingSyscall) -> tuple[str, bool]:
    """Return a path for the supervisor to stat in place of a stat call, and whether to follow links."""
    call, args = pending.call, pending.args
    if call.fd >= 0:
        return f"/proc/{process.pid}/fd/{signed(args[call.fd])}", True
    flags = args[call.flags] if call.flags >= 0 else 0
    if flags & linux_abi.AT_EMPTY_PATH and not process.memory.path(args[call.path]):
        return f"/proc/{process.pid}/fd/{signed(args[call.at])}", True
    follows = call.name != "lstat" and not flags & linux_abi.AT_SYMLINK_NOFOLLOW
    return _named(process, args[call.path], args[call.at] if call.at >= 0 else None), follows


def _link(process: Process, name: str) -> str:
    try:
        return os.readlink(f"/proc/{process.pid}/{name}")
    except OSError:
        return ""


def _changes_outside(process: Process, pending: PendingSyscall) -> bool:
    call = pending.call
    if call.name == "bind":
        address = process.memory.read(pending.args[1], 3)
        return int.from_bytes(address[:2], "little") == _AF_UNIX and address[2:] != b"\0"
    if call.kind == "open":
        if not opens_for_writing(pending.flags):
            return False
        raw = process.memory.path(pending.args[call.path])
        return bool(raw) and not _takes_anything(process, raw)
    if call.path < 0 and call.fd >= 0:
        # The open decided whether a descriptor may be written to.
        return call.kind == "meta" or (call.name == "ioctl" and pending.args[1] in _ATTRIBUTES)
    return call.kind in _CHANGES_FILES


def makes_device(pending: PendingSyscall) -> bool:
    """Return whether a call makes a device node."""
    if pending.call.name not in ("mknod", "mknodat"):
        return False
    return stat.S_IFMT(pending.args[pending.call.path + 1]) in (stat.S_IFCHR, stat.S_IFBLK)


def _takes_anything(process: Process, raw: bytes) -> bool:
    """Return whether a path leads to a device or pipe that may be written to."""
    path = os.path.join(f"/proc/{process.pid}/cwd", as_seen_by(process, os.fsdecode(raw)))
    try:
        status = os.stat(path)
    except OSError:
        return False
    if stat.S_ISCHR(status.st_mode):
        return (os.major(status.st_rdev), os.minor(status.st_rdev)) in _DEVICES
    # A pipe that was inherited, by its name in /proc: a shell writes to /dev/stderr so.
    return stat.S_ISFIFO(status.st_mode) and status.st_dev == _device_of_pipes()


@functools.cache
def _device_of_pipes() -> int:
    """Return the device number of pipes that have no name in any directory."""
    reading, writing = os.pipe()
    try:
        return os.fstat(reading).st_dev
    finally:
        os.close(reading)
        os.close(writing)
