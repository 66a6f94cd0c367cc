"""Facts that follow from a pending call's arguments and not from its signature alone."""

from __future__ import annotations

import os

from harness.gates.kernel import linux_abi
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["closed_by_copy", "open_flags", "stat_target"]


def open_flags(process: Process, pending: PendingSyscall) -> int:
    """Return the open flags of a pending call.

    Args:
        process: the process that makes it.
        pending: the call.
    """
    call = pending.call
    if call.name == "creat":
        return os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    if call.name == "openat2":
        return int.from_bytes(process.memory.read(pending.args[2], 8), "little")
    return pending.args[call.flags] & 0xFFFFFFFF


def closed_by_copy(process: Process, pending: PendingSyscall) -> list[int]:
    """Return the known descriptors that a dup2, dup3 or close_range closes."""
    args = pending.args
    if pending.call.name == "close_range":
        return [fd for fd in process.fds if args[0] <= fd <= args[1]]
    return [signed(args[1])] if pending.call.name in ("dup2", "dup3") else []


def stat_target(files: VirtualFiles, process: Process, pending: PendingSyscall) -> tuple[str, bool] | None:
    """Return a path for the supervisor to stat in place of a stat call, and whether to follow links."""
    call = pending.call
    if call.fd >= 0:
        return f"/proc/{process.pid}/fd/{signed(pending.args[0])}", True
    if pending.name is not None:
        follow = call.name != "lstat" and not (
            call.flags >= 0 and pending.args[call.flags] & linux_abi.AT_SYMLINK_NOFOLLOW
        )
        return os.path.join(files.directory, pending.name), follow
    if call.flags >= 0 and pending.args[call.flags] & linux_abi.AT_EMPTY_PATH and pending.inode is not None:
        return f"/proc/{process.pid}/fd/{signed(pending.args[call.at])}", True
    return None
