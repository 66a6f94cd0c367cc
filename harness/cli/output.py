"""Prints results on standard output and remarks on standard error, also when they are closed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import sys

from harness.model.errors import FormatError, StoreError

__all__ = ["OutputGone", "emit", "ensure_standard_streams", "escaped", "remark", "replay_command"]

#: Control characters but for line feed and tab, separators of lines, and what turns the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_GONE = (errno.EPIPE, errno.EIO)


class OutputGone(Exception):
    """Standard output has no reader any more: the usual end of ``... | head``, or a closed terminal."""


def escaped(text: str) -> str:
    """Return a text whose control characters are spelled, so that it cannot steer a terminal.

    Names and messages come from files that any program may have written. Line feeds and tabs stay. The
    spelling is that of JSON, so that JSON stays what it was.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def emit(text: str, styled: bool = False) -> None:
    """Print a result at once.

    Args:
        text: of one or more lines.
        styled: whether its control characters are ours; then they stay.

    Raises:
        OutputGone: standard output has no reader.
        StoreError: it could not be written, for want of space for instance.
    """
    try:
        print(text if styled else escaped(text), flush=True)
    except OSError as error:
        _give_up(sys.stdout)
        if error.errno in _GONE:
            raise OutputGone from error
        raise StoreError(f"standard output: {error.strerror}; send it elsewhere") from error


def remark(text: str) -> None:
    """Print a remark about the run; do nothing if standard error is closed."""
    try:
        print(escaped(text), file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: object) -> None:
    """Redirect a closed stream to /dev/null, because the interpreter flushes it again at its end."""
    assert stream in (sys.stdout, sys.stderr)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1 if stream is sys.stdout else 2)
    os.close(null)


def ensure_standard_streams() -> None:
    """Open those of the descriptors 0, 1 and 2 that are closed, so that no other file gets them.

    Characters that cannot be encoded are escaped, since names come from anywhere.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  # the standard streams
        continue
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # None when it was closed


def replay_command(path: str) -> str:
    """Return the command that replays a witness, with the interpreter that the user called."""
    python = sys.orig_argv[0] if sys.orig_argv else "python"
    allow = " --allow-programs" if _starts_programs(path) else ""
    return f"replay: {shlex.quote(python)} -m harness replay {shlex.quote(path)}{allow}"


def _starts_programs(path: str) -> bool:
    """Return whether the replay of a witness starts programs."""
    from harness.results.witness import read

    try:
        return any(op.argv for lane in read(path).program.lanes for op in lane.ops)
    except FormatError:
        return False
