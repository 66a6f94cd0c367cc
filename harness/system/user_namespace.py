"""A user namespace for the explorer of an ordinary user, in which it can have PID namespaces and mounts.

The kernel lets a process with one thread enter one, and no thread of a process with several. So the
explorer enters it when it starts, with all that it starts later. The user and the group keep their
numbers; all others are shown as the overflow ids (65534), and setgroups(2) is refused. See
user_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from harness.system import capabilities

__all__ = ["enter", "entered", "remedy", "wanted"]

_CLONE_NEWUSER = 0x10000000
_SYSTEM = Path("/proc/sys")
#: Settings by which a machine forbids them: the value that does, and what to do.
_SETTINGS = {
    "user/max_user_namespaces": ("0", "sysctl user.max_user_namespaces=15000"),
    "kernel/unprivileged_userns_clone": ("0", "sysctl kernel.unprivileged_userns_clone=1"),
    "kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile of AppArmor with `userns,`",
    ),
}
_libc = ctypes.CDLL(None, use_errno=True)
_entered = False


def wanted() -> bool:
    """Return whether this process needs one: it is not root's and has no capability."""
    return sys.platform == "linux" and os.geteuid() != 0 and not capabilities.any_held()


def entered() -> bool:
    """Return whether this process, or the one that it was forked from, has entered one by `enter`."""
    return _entered


def enter() -> None:
    """Move the calling process to a new user namespace, where it gets all capabilities.

    It must have one thread. Where this fails half-way, the process has lost its user and group: so it is
    tried in a child first.

    Raises:
        OSError: the machine refuses; the file name is that of the step.
    """
    global _entered  # noqa: PLW0603  # a property of the process
    user, group = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "unshare(CLONE_NEWUSER)")
    _entered = True
    # An ordinary user may map its group only after setgroups(2) is given up.
    for name, text in (
        ("uid_map", f"{user} {user} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{group} {group} 1"),
    ):
        Path("/proc/self", name).write_text(text, encoding="ascii")


def remedy() -> str:
    """Return what to do where the machine refuses one."""
    for name, (forbidding, advice) in _SETTINGS.items():
        try:
            found = (_SYSTEM / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if found == forbidding:
            return f"allow user namespaces ({advice}), or run as root"
    return "allow user namespaces and, in a container, an unmasked /proc; or run as root"
