"""Standard output for results, standard error for remarks, and what to do when they are gone."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import sys

from harness.model.errors import FormatError, StoreError

__all__ = ["OutputGone", "emit", "remark", "replay_command", "stand_on_three_streams"]

_GONE = (errno.EPIPE, errno.EIO)


class OutputGone(Exception):
    """Nobody reads our results any more: the usual end of ``... | head``, or a closed terminal."""


def emit(text: str) -> None:
    """Print a result, at once.

    Raises:
        OutputGone: nobody reads it.
        StoreError: it could not be written, for want of space for instance.
    """
    try:
        print(text, flush=True)
    except OSError as error:
        _give_up(sys.stdout)
        if error.errno in _GONE:
            raise OutputGone from error
        raise StoreError(f"standard output: {error.strerror}; send it elsewhere") from error


def remark(text: str) -> None:
    """Print something about the run, for whoever watches; silent when nobody does."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: object) -> None:
    """Send the rest to nowhere: the interpreter flushes once more at its end."""
    assert stream in (sys.stdout, sys.stderr)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1 if stream is sys.stdout else 2)
    os.close(null)


def stand_on_three_streams() -> None:
    """Open what of 0, 1 and 2 is closed, lest a file of ours comes to stand there.

    What cannot be encoded is escaped: names come from everywhere.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # noqa: PLR2004  # the standard streams
        continue
    os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # None when it was closed


def replay_command(path: str) -> str:
    """The line that replays a witness, by the interpreter as the user called it: it has what we need."""
    python = sys.orig_argv[0] if sys.orig_argv else "python"
    allow = " --allow-programs" if _starts_programs(path) else ""
    return f"replay: {shlex.quote(python)} -m harness replay {shlex.quote(path)}{allow}"


def _starts_programs(path: str) -> bool:
    """Whether a witness can be replayed only where programs may be started."""
    from harness.results.witness import read

    try:
        return any(op.argv for lane in read(path).program.lanes for op in lane.ops)
    except FormatError:
        return False
