"""Calls that the kernel refuses a confined process by itself, and operations that failed because of one.

Landlock, missing capabilities and read-only mounts answer without a trap, so no supervisor sees the call;
under the free gate no supervisor sees any. The worker says what it knows of it, the errno and the kind of
call, in the one byte that it has for a cause. `wall_words` reads what a program says of itself instead.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from harness.gates.kernel.syscall_table import REFUSED
from harness.system import capabilities, landlock, user_namespace

__all__ = [
    "DEVICE",
    "OUTSIDE",
    "PRIVILEGE",
    "PRIVILEGED_CALL",
    "REFUSED_CALL",
    "SAID",
    "SIGNAL",
    "SOCKET",
    "UNKNOWN_CALL",
    "Kind",
    "cause_of",
    "errno_of",
    "excuse",
    "open_to_us",
    "story",
]

#: Cause of an error that an adapter has told in words. Both are above every errno.
SAID = 199
_BASE = 200
_PATH = re.compile(r"'(/[^']*)'")
_REMEDY = "let the fence do without it"


class Kind(NamedTuple):
    """A kind of call that is refused.

    Args:
        error: errno of the answer.
        functions: names of Python functions that make such a call; none for all.
        what: that is refused.
        here: returns whether walls of this machine and user refuse it, given the text of the error.
        names_file: whether the exception names a file.
        trapped: a supervisor sees the call and knows better, so the kind counts where there is none.
        remedy: what to do about it.
    """

    error: int
    functions: frozenset[str]
    what: str
    here: Callable[[str], bool]
    names_file: bool = False
    trapped: bool = False
    remedy: str = _REMEDY


def _always(_: str) -> bool:
    return True


def _scopes(_: str) -> bool:
    return landlock.abi() >= landlock.ABI_WANTED


def _device_calls(_: str) -> bool:
    return landlock.abi() >= landlock.DEVICE_CALLS


def _privileges(_: str) -> bool:
    # The user did not have the capabilities of an explorer in a user namespace of its own.
    return capabilities.given_up() and not user_namespace.entered()


def _named_open_to_us(text: str) -> bool:
    return open_to_us(_PATH.findall(text))


def _shared_memory_open_to_us(_: str) -> bool:
    return os.access("/dev/shm", os.W_OK)


def open_to_us(paths: Collection[str]) -> bool:
    """Return whether this process, which is not confined, may do what was refused to a file outside.

    Args:
        paths: absolute ones; those of files in the session directory have lost it.
    """
    return any(_may_look(path) if path.startswith("/proc/") else _may_write(path) for path in paths)


def _may_write(path: str) -> bool:
    return os.access(path if os.path.lexists(path) else os.path.dirname(path), os.W_OK)


def _may_look(path: str) -> bool:
    """Return whether this process can read a file of /proc; the file's mode does not tell."""
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return True
    return False


def _calls(*names: str) -> frozenset[str]:
    return frozenset(names)


def _outside(error: int, *, trapped: bool = False) -> Kind:
    what = "a change or a look outside of the session directory"
    return Kind(error, frozenset(), what, _named_open_to_us, names_file=True, trapped=trapped)


DEVICE: Final = Kind(errno.EACCES, _calls("ioctl"), "ioctl on a device", _device_calls)
SOCKET: Final = Kind(
    errno.EPERM,
    _calls("connect", "connect_ex", "sendto", "sendmsg"),
    "an abstract socket of another program",
    _scopes,
)
PRIVILEGE: Final = Kind(
    errno.EPERM,
    _calls("socket", "setsockopt", "ioctl", "nice", "sched_setscheduler", "sched_setparam"),
    "a call that takes a capability",
    _privileges,
)
#: By errno. The session directory is a mount of its own, so a rename out of it crosses file systems.
OUTSIDE: Final = {error: _outside(error) for error in (errno.EACCES, errno.EPERM, errno.EROFS)} | {
    errno.EXDEV: _outside(errno.EXDEV, trapped=True)
}
SIGNAL: Final = Kind(
    errno.EPERM,
    _calls("kill", "killpg", "pidfd_send_signal"),
    "a signal to a process outside",
    _scopes,
    trapped=True,
)
#: Those of the filter's list that a capability would allow elsewhere.
_PRIVILEGED: Final = _calls(
    *(
        "setns",
        "chroot",
        "pivot_root",
        "mount",
        "umount2",
        "open_by_handle_at",
        "reboot",
        "swapon",
        "swapoff",
    ),
    *("sethostname", "setdomainname", "iopl", "ioperm", "acct", "syslog", "vhangup", "init_module"),
    *("finit_module", "delete_module", "kexec_load", "kexec_file_load", "settimeofday", "clock_settime"),
    *("adjtimex", "clock_adjtime", "quotactl", "quotactl_fd"),
)
REFUSED_CALL: Final = Kind(
    errno.EPERM,
    # Of a call by its number the name is not known.
    frozenset(REFUSED) - _PRIVILEGED | {"syscall"},
    "a call that no session may make",
    _always,
    trapped=True,
)
PRIVILEGED_CALL: Final = Kind(
    errno.EPERM, _PRIVILEGED | {"mknod"}, REFUSED_CALL.what, _privileges, trapped=True
)
UNKNOWN_CALL: Final = Kind(
    errno.ENOSYS,
    frozenset(),
    "a call that cannot be followed",
    _always,
    remedy="such calls are not there in a session: let the fence do without them",
)
#: A class of multiprocessing, which makes a file in /dev/shm and does not name it.
_SEMAPHORE: Final = "SemLock"
_KINDS: Final = (
    DEVICE,
    SOCKET,
    PRIVILEGE,
    Kind(errno.EACCES, _calls("setpriority", "setsockopt"), PRIVILEGE.what, _privileges),
    Kind(errno.EPERM, _calls("chroot"), REFUSED_CALL.what, _privileges, names_file=True, trapped=True),
    *OUTSIDE.values(),
    Kind(
        errno.EROFS,
        _calls("mkfifo", "mknod", "fchmod", "fchown", _SEMAPHORE),
        OUTSIDE[errno.EROFS].what,
        _always,
        trapped=True,
    ),
    Kind(
        errno.EACCES,
        _calls(_SEMAPHORE),
        OUTSIDE[errno.EACCES].what,
        _shared_memory_open_to_us,
        trapped=True,
    ),
    SIGNAL,
    REFUSED_CALL,
    PRIVILEGED_CALL,
    *(UNKNOWN_CALL, UNKNOWN_CALL._replace(names_file=True)),
)
#: Functions that start a program, which the kernel may refuse for that program's own sake.
_STARTING: Final = _calls("_fork_exec", "fork_exec", "execv", "execve", "posix_spawn", "posix_spawnp")


def cause_of(code: int, names_file: bool, called: Collection[str]) -> int:
    """Return the cause that a worker is to write down for an errno.

    Args:
        code: errno of an exception.
        names_file: whether the exception names a file.
        called: names of functions that the function called which raised it.
    """
    names = set(called)
    if _STARTING & names and code != errno.ENOSYS:
        return code
    for number, kind in enumerate(_KINDS):
        if (kind.error, kind.names_file) == (code, names_file) and (
            not kind.functions or kind.functions & names
        ):
            return _BASE + number
    return code


def errno_of(cause: int) -> int:
    """Return the errno of a cause; 0 for none."""
    if cause == SAID:
        return 0
    return _KINDS[cause - _BASE].error if cause >= _BASE else cause


def excuse(cause: int, text: str, *, supervised: bool) -> str:
    """Return what the kernel refused, and what to do about it; empty where walls did not.

    Args:
        cause: that a worker wrote down.
        text: of the exception.
        supervised: whether a supervisor has noted what it refused itself.
    """
    if cause < _BASE:
        return ""
    kind = _KINDS[cause - _BASE]
    return story(kind) if kind.here(text) and not (supervised and kind.trapped) else ""


def story(kind: Kind) -> str:
    """Return what a kind of call was answered with, and what to do about it."""
    answer = f"{errno.errorcode[kind.error]} ({os.strerror(kind.error)})"
    return f"the kernel answered {kind.what} with {answer}, because the session is confined; {kind.remedy}"
