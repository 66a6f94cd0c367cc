"""Landlock: the kernel itself keeps a thread, and all that it starts, from writing outside a directory.

By ctypes, because no library in reach speaks it in the newest form. Numbers and layouts are from the
kernel's own header, linux/landlock.h; see also landlock(7). Each ABI confines more than the one before;
what an older kernel cannot confine is named by `missing`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import struct
import sys

from harness.model.errors import GateUnavailable

__all__ = ["ABI_WANTED", "DEVICE_CALLS", "abi", "missing", "restrict", "why_not"]

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_WRITE_FILE = 1 << 1
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
#: remove_dir, remove_file, make_dir, make_reg, make_sock, make_fifo, make_sym
_NAMES = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_SCOPES = 1 << 0 | 1 << 1

#: The last ABI that confines something more.
ABI_WANTED = 6
#: The first ABI that confines ioctl on devices.
DEVICE_CALLS = 5
#: By the first ABI that confines it.
_SINCE = {
    1: "writing and creating files",
    3: "truncating files",
    DEVICE_CALLS: "ioctl on devices",
    ABI_WANTED: "signals and abstract sockets",
}
#: Devices that keep nothing of what is written to them; tty is the terminal that a program has, or none.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/tty")
_REASONS = {
    errno.ENOSYS: "this kernel has no Landlock (it came with Linux 5.13), or a container forbids it",
    errno.EOPNOTSUPP: "Landlock is switched off; add `landlock` to the kernel parameter lsm=",
    errno.EPERM: "a container forbids Landlock; allow landlock_create_ruleset(2) in its profile",
}


_libc = ctypes.CDLL(None, use_errno=True)


@functools.cache
def _ask() -> tuple[int, str]:
    """Return the ABI, and why there is none."""
    if sys.platform != "linux":
        return 0, f"{sys.platform} has no Landlock"
    found = _libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if found > 0:
        return found, ""
    code = ctypes.get_errno()
    return 0, _REASONS.get(code, f"landlock_create_ruleset: {os.strerror(code)}")


def abi() -> int:
    """Return the version of the kernel's Landlock interface; 0 where there is none."""
    return _ask()[0]


def why_not() -> str:
    """Return why there is no Landlock; empty where there is."""
    return _ask()[1]


def missing() -> list[str]:
    """Return what this kernel cannot confine."""
    return [what for since, what in _SINCE.items() if abi() < since]


def restrict(*directories: str, terminals: str = "") -> None:
    """Let the calling thread, and all that it starts from now on, write in some directories only.

    Reading and running programs stay allowed, and so does writing to /dev/null and its like. Signals
    and abstract sockets reach only what was started from here. It cannot be undone. Where there is no
    Landlock, nothing happens.

    Args:
        directories: the session directory, and others.
        terminals: a folder of terminals that are the session's own; they are not written to by name, but
            what is opened to be read may be a terminal, with its ioctls. Empty for none.

    Raises:
        GateUnavailable: the kernel has Landlock and refuses.
    """
    found = abi()
    if not found:
        return
    handled = _handled(found)
    attributes = struct.pack("=QQQ", handled, 0, _SCOPES if found >= ABI_WANTED else 0)
    size = len(attributes) if found >= ABI_WANTED else 8
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, size, 0)
    _check(ruleset, "landlock_create_ruleset")
    try:
        inside = handled & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL_DEV)
        for directory in directories:
            _allow(ruleset, directory, inside)
        for device in _DEVICES:
            with contextlib.suppress(FileNotFoundError):
                _allow(ruleset, device, handled & (_WRITE_FILE | _TRUNCATE | _IOCTL_DEV))
        if terminals and handled & _IOCTL_DEV:
            _allow(ruleset, terminals, _IOCTL_DEV)
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)")
        _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    finally:
        os.close(ruleset)


def _handled(found: int) -> int:
    """Return the kinds of access that are forbidden where no rule allows them."""
    access = _WRITE_FILE | _NAMES | _MAKE_CHAR | _MAKE_BLOCK
    for since, more in ((2, _REFER), (3, _TRUNCATE), (DEVICE_CALLS, _IOCTL_DEV)):
        access |= more if found >= since else 0
    return access


def _allow(ruleset: int, path: str, access: int) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", access, beneath)
        _check(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0), f"landlock_add_rule of {path}")
    finally:
        os.close(beneath)


def _check(result: int, what: str) -> None:
    if result < 0:
        raise GateUnavailable(f"{what}: {os.strerror(ctypes.get_errno())}")
