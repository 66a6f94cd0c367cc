"""Calls that the kernel refuses a confined process by itself, and operations that failed because of one.

Landlock, missing capabilities and read-only mounts answer without a trap, so no supervisor sees the call.
The worker says what it knows of it, the errno and the kind of call, in the one byte that it has for a cause.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from harness.system import capabilities, landlock, user_namespace

__all__ = ["cause_of", "errno_of", "excuse", "named_wall"]

#: Above every errno.
_BASE = 200
_PATH = re.compile(r"'(/[^']*)'")
_REMEDY = "let the fence do without it"


class _Kind(NamedTuple):
    """A kind of call that is refused.

    Args:
        error: errno of the answer.
        functions: names of Python functions that make such a call; none where the error names a file.
        what: that is refused.
        here: returns whether walls of this machine and user refuse it, given the text of the error.
    """

    error: int
    functions: frozenset[str]
    what: str
    here: Callable[[str], bool]


def _scopes(_: str) -> bool:
    return landlock.abi() >= landlock.ABI_WANTED


def _device_calls(_: str) -> bool:
    return landlock.abi() >= landlock.DEVICE_CALLS


def _privileges(_: str) -> bool:
    # The user did not have the capabilities of an explorer in a user namespace of its own.
    return capabilities.given_up() and not user_namespace.entered()


def _open_to_us(text: str) -> bool:
    """Return whether this process, which is not confined, may do what was refused to a file outside."""
    return any(
        _may_look(path) if path.startswith("/proc/") else _may_write(path) for path in _PATH.findall(text)
    )


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


_DEVICE = _Kind(errno.EACCES, _calls("ioctl"), "ioctl on a device", _device_calls)
_SOCKET = _Kind(
    errno.EPERM,
    _calls("connect", "connect_ex", "sendto", "sendmsg"),
    "an abstract socket of another program",
    _scopes,
)
_PRIVILEGE = _Kind(
    errno.EPERM,
    _calls("socket", "setsockopt", "ioctl", "nice", "sched_setscheduler", "sched_setparam"),
    "a call that takes a capability",
    _privileges,
)
_KINDS: Final = (
    _DEVICE,
    _SOCKET,
    _PRIVILEGE,
    _Kind(errno.EACCES, _calls("setpriority", "setsockopt"), _PRIVILEGE.what, _privileges),
    *(
        _Kind(error, frozenset(), "a change or a look outside of the session directory", _open_to_us)
        for error in (errno.EACCES, errno.EPERM, errno.EROFS)
    ),
)
#: Functions that start a program, which the kernel may refuse for that program's own sake.
_STARTING: Final = _calls("_fork_exec", "fork_exec", "execv", "execve", "posix_spawn", "posix_spawnp")
#: How programs say on standard error what they met, in small letters, beside the call.
_WORDS: Final = (
    (("eacces", "permission denied"), ("ioctl",), _DEVICE),
    (("eperm", "operation not permitted"), ("connect", "sendmsg", "sendto"), _SOCKET),
    (("eperm", "operation not permitted"), ("setsockopt", "socket(", "sched_set"), _PRIVILEGE),
)
_UNKNOWN = ("enosys", "function not implemented")


def cause_of(code: int, names_file: bool, called: Collection[str]) -> int:
    """Return the cause that a worker is to write down for an errno.

    Args:
        code: errno of an exception.
        names_file: whether the exception names a file.
        called: names of functions that the function called which raised it.
    """
    if _STARTING & set(called):
        return code
    for number, kind in enumerate(_KINDS):
        if kind.error == code and (not kind.functions if names_file else kind.functions & set(called)):
            return _BASE + number
    return code


def errno_of(cause: int) -> int:
    """Return the errno of a cause."""
    return _KINDS[cause - _BASE].error if cause >= _BASE else cause


def excuse(cause: int, text: str) -> str:
    """Return what the kernel refused, and what to do about it; empty where walls did not.

    Args:
        cause: that a worker wrote down.
        text: of the exception.
    """
    if cause < _BASE or not _KINDS[cause - _BASE].here(text):
        return ""
    return _story(_KINDS[cause - _BASE])


def named_wall(text: str) -> str:
    """Return what the kernel refused a program, by its last words; empty for nothing that it names."""
    said = text.lower()
    for answers, calls, kind in _WORDS:
        if any(word in said for word in answers) and any(word in said for word in calls) and kind.here(text):
            return _story(kind)
    if any(word in said for word in _UNKNOWN):
        return f"the filter answered a call with ENOSYS ({os.strerror(errno.ENOSYS)}); {_REMEDY}"
    return ""


def _story(kind: _Kind) -> str:
    answer = f"{errno.errorcode[kind.error]} ({os.strerror(kind.error)})"
    return f"the kernel answered {kind.what} with {answer}, because the session is confined; {_REMEDY}"
