"""The last words of a program that tell of an answer or a limit of the harness.

An adapter has no exception that a worker could look at: its last words have to name the answer, and the
call or the file. `harness.gates.walls` has the kinds of calls that are refused.
"""

from __future__ import annotations

import errno
import re
from typing import Final

from harness.gates.limits import named_limit
from harness.gates.walls import (
    DEVICE,
    OUTSIDE,
    PRIVILEGE,
    PRIVILEGED_CALL,
    REFUSED_CALL,
    SAID,
    SIGNAL,
    SOCKET,
    UNKNOWN_CALL,
    Kind,
    excuse,
    open_to_us,
    story,
)

__all__ = ["excuse_of_error", "excuse_of_words", "named_wall"]

#: How programs write an answer down.
_ANSWERS: Final = {
    errno.EACCES: r"EACCES|Permission ?denied",
    errno.EPERM: r"EPERM|Operation not permitted",
    errno.EROFS: r"EROFS|Read-only file ?system",
    errno.EXDEV: r"EXDEV|cross-device link(?: not permitted)?",
    errno.ENOSYS: r"ENOSYS|Function not implemented",
}
#: How they write down the path of a file beside it. A path elsewhere may be that of their own source.
_PATHS: Final = (
    r"(?:{answer})(?:: |, \w+ )'(/[^']*)'",
    r"(?:{answer})(?:: |, \w+ )'[^']*' -> '(/[^']*)'",
    r"['\"\u2018](/[^'\"\u2019]*)['\"\u2019](?:: | \()(?:{answer})",
    r"(/[^\s:'\"]+)(?:: | \()(?:{answer})",
)


def _words(kind: Kind, *more: str) -> re.Pattern[str]:
    # Node names the call of any error at all in a field that is called so.
    names = sorted(kind.functions - {"syscall"})
    return re.compile(rf"\b(?:{'|'.join((*names, *more))})\b", re.IGNORECASE)


_CALLS: Final = tuple(
    (kind, re.compile(_ANSWERS[kind.error], re.IGNORECASE), _words(kind, *more))
    for kind, more in (
        (DEVICE, ()),
        (SOCKET, ()),
        (PRIVILEGE, ("sched_setaffinity", "sched_setattr")),
        (SIGNAL, ()),
        (REFUSED_CALL, ()),
        (PRIVILEGED_CALL, ()),
    )
)
_FILES: Final = tuple(
    (
        kind,
        tuple(re.compile(path.replace("{answer}", _ANSWERS[error]), re.IGNORECASE) for path in _PATHS),
    )
    for error, kind in OUTSIDE.items()
)
_UNKNOWN: Final = re.compile(_ANSWERS[errno.ENOSYS], re.IGNORECASE)


def excuse_of_error(cause: int, text: str, *, supervised: bool) -> str:
    """Return why an exception may be of the harness, and what to do about it; empty where it is not.

    Args:
        cause: that a worker wrote down.
        text: of the exception.
        supervised: as for `excuse_of_words`.
    """
    if cause == SAID:
        return excuse_of_words(text, supervised=supervised)
    return excuse(cause, text, supervised=supervised)


def excuse_of_words(text: str, *, supervised: bool) -> str:
    """Return which limit or which answer of the harness a program names; empty for none.

    Args:
        text: its last words, without the session directory.
        supervised: whether a supervisor has noted what it refused itself.
    """
    return named_limit(text) or named_wall(text, supervised=supervised)


def named_wall(text: str, *, supervised: bool) -> str:
    """Return what the kernel refused a program, and what to do about it; empty for nothing that it names.

    Args:
        text: as for `excuse_of_words`.
        supervised: as there.
    """
    for kind, answer, calls in _CALLS:
        if supervised and kind.trapped:
            continue
        if answer.search(text) and calls.search(text) and kind.here(text):
            return story(kind)
    for kind, paths in _FILES:
        if supervised and kind.trapped:
            continue
        if open_to_us([path for one in paths for path in one.findall(text)]):
            return story(kind)
    return story(UNKNOWN_CALL) if _UNKNOWN.search(text) else ""
