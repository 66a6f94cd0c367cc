"""Limits on the directories of a session that are followed."""

from __future__ import annotations

import os
from typing import Final

from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.virtual_files import VirtualFiles

__all__ = ["DEPTH_MAX", "NAMES_MAX", "beyond_limits"]

#: Directories in one another. Each costs a look at each step that moves the outermost.
DEPTH_MAX: Final = 32
#: Names in all directories of the session together.
NAMES_MAX: Final = 4096
_REMOVES = frozenset({"unlink", "unlinkat", "rmdir"})


def beyond_limits(files: VirtualFiles, pending: PendingSyscall) -> str:
    """Return why the effect of a call that may make a name is not followed; empty where it is."""
    if pending.call.kind == "open":
        if not pending.flags & os.O_CREAT:
            return ""
    elif pending.call.kind != "names" or pending.call.name in _REMOVES:
        return ""
    for name in (pending.name, pending.name2):
        if name is not None and name.count("/") >= DEPTH_MAX:
            return (
                f"directories of the session directory are more than {DEPTH_MAX} deep; they are not followed"
            )
    if len(files.names) >= NAMES_MAX:
        return f"there are more than {NAMES_MAX} names in the session directory; they are not followed"
    return ""
