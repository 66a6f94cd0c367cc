"""Confinement: a lane may not change anything outside the session directory.

The answer is EROFS, as a read-only mount around the directory would give. What is
allowed outside is reading, and writing to character devices.
"""

from __future__ import annotations

import os
import stat

from harness.gates.kernel.path_resolution import as_seen_by
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.syscall_table import opens_for_writing
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["crosses", "forbidden_outside", "leads_out"]

_CHANGES_FILES = frozenset({"data", "meta", "names"})
_AF_UNIX = 1
#: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR change a file through a descriptor that only reads.
_ATTRIBUTES = frozenset({0x40086602, 0x401C5820})


def crosses(pending: PendingSyscall) -> bool:
    """Return whether a rename or a link would carry a file into or out of the session directory."""
    return pending.call.path2 >= 0 and (pending.name is None or pending.name2 is None)


def leads_out(files: VirtualFiles, pending: PendingSyscall) -> bool:
    """Return whether a call would change what a symlink inside points to outside, or a handle anywhere."""
    if _is_by_handle(pending):
        return True
    if pending.name is None or pending.name not in files.symlinks:
        return False
    kind = pending.call.kind
    if kind == "open":
        if not opens_for_writing(pending.flags):
            return False
    elif kind not in ("data", "meta"):
        return False
    target = os.path.realpath(os.path.join(files.directory, pending.name))
    return os.path.dirname(target) != files.directory


def forbidden_outside(process: Process, pending: PendingSyscall) -> bool:
    """Return whether a call that is not about the session directory would change a file elsewhere."""
    call = pending.call
    if call.name == "bind":
        address = process.memory.read(pending.args[1], 3)
        return int.from_bytes(address[:2], "little") == _AF_UNIX and address[2:] != b"\0"
    if _is_by_handle(pending):
        return True
    if call.kind == "open":
        if not opens_for_writing(pending.flags):
            return False
        raw = process.memory.path(pending.args[call.path])
        return bool(raw) and not _is_device(process, raw)
    if call.path < 0 and call.fd >= 0:
        # What may be written to a descriptor was decided when it was opened.
        return call.kind == "meta" or (call.name == "ioctl" and pending.args[1] in _ATTRIBUTES)
    return call.kind in _CHANGES_FILES


def _is_by_handle(pending: PendingSyscall) -> bool:
    """Return whether a call opens a file to write by a handle, which root may have of any file."""
    return pending.call.name == "open_by_handle_at" and opens_for_writing(pending.flags)


def _is_device(process: Process, raw: bytes) -> bool:
    path = os.path.join(f"/proc/{process.pid}/cwd", as_seen_by(process, os.fsdecode(raw)))
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False
