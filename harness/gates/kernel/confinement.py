"""What a lane may not do: change anything outside the session directory.

The answer is EROFS, as a read-only mount around the directory would give. What is
allowed outside is reading, and writing to character devices.
"""

from __future__ import annotations

import os
import stat

from harness.gates.kernel.lane import PendingSyscall, Process
from harness.gates.kernel.path_resolution import as_seen_by
from harness.gates.kernel.syscall_table import opens_for_writing
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["crosses", "forbidden_outside", "leads_out"]

_CHANGES_FILES = frozenset({"data", "meta", "names"})
_AF_UNIX = 1
#: FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR change a file through a descriptor that only reads.
_ATTRIBUTES = frozenset({0x40086602, 0x401C5820})


def crosses(stand: PendingSyscall) -> bool:
    """Whether a rename or a link would carry a file across the border."""
    return stand.call.path2 >= 0 and (stand.name is None or stand.name2 is None)


def leads_out(world: VirtualFiles, stand: PendingSyscall) -> bool:
    """Whether a call would change what a symlink inside points to outside."""
    if stand.name is None or stand.name not in world.symlinks:
        return False
    kind = stand.call.kind
    if kind == "open":
        if not opens_for_writing(stand.flags):
            return False
    elif kind not in ("data", "meta"):
        return False
    target = os.path.realpath(os.path.join(world.directory, stand.name))
    return os.path.dirname(target) != world.directory


def forbidden_outside(space: Process, stand: PendingSyscall) -> bool:
    """Whether a call that is not about the session directory would change a file elsewhere."""
    call = stand.call
    if call.name == "bind":
        address = space.memory.read(stand.args[1], 3)
        return int.from_bytes(address[:2], "little") == _AF_UNIX and address[2:] != b"\0"
    if call.kind == "open":
        if call.path < 0 or not opens_for_writing(stand.flags):
            return False
        raw = space.memory.path(stand.args[call.path])
        return bool(raw) and not _is_device(space, raw)
    if call.path < 0 and call.fd >= 0:
        # What may be written to a descriptor was decided when it was opened.
        return call.kind == "meta" or (call.name == "ioctl" and stand.args[1] in _ATTRIBUTES)
    return call.kind in _CHANGES_FILES


def _is_device(space: Process, raw: bytes) -> bool:
    path = os.path.join(f"/proc/{space.pid}/cwd", as_seen_by(space, os.fsdecode(raw)))
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False
