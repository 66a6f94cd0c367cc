"""Prints results on standard output and remarks on standard error, also when they are closed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import sys
from typing import TextIO

from harness.cli.called_as import PLAIN, command, program
from harness.model.errors import FormatError, StoreError
from harness.system.output_file import wait_until_writable

__all__ = ["OutputGone", "brief", "emit", "ensure_standard_streams", "escaped", "remark", "replay_command"]

#: Control characters but for line feed and tab, separators of lines, and what turns the direction of text.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: So many take at most 4,096 bytes.
_PIECE_CHARACTERS = 1024
#: Characters of a line of a message.
_LINE_MAX = 2000
_GONE = (errno.EPIPE, errno.EIO)


class OutputGone(Exception):
    """Standard output has no reader any more: the usual end of ``... | head``, or a closed terminal."""


def escaped(text: str) -> str:
    """Return a text whose control characters are spelled, so that it cannot steer a terminal.

    Names and messages come from files that any program may have written. Line feeds and tabs stay. The
    spelling is that of JSON, so that JSON stays what it was.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def brief(text: str) -> str:
    """Return a message whose long lines are cut: values in them come from files, and may be megabytes."""
    return "\n".join(map(_cut, text.split("\n")))


def _cut(line: str) -> str:
    if len(line) <= _LINE_MAX:
        return line
    half = _LINE_MAX // 2
    return f"{line[:half]} [... {len(line) - 2 * half} characters ...] {line[-half:]}"


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
        _print(text if styled else escaped(text), sys.stdout)
    except OSError as error:
        _give_up(sys.stdout)
        if error.errno in _GONE:
            raise OutputGone from error
        raise StoreError(f"standard output: {error.strerror}; send it elsewhere") from error


def remark(text: str) -> None:
    """Print a remark about the run; do nothing if standard error is closed.

    A command that it advises is spelled as the user called the harness.
    """
    try:
        _print(escaped(text).replace(f"{PLAIN} ", f"{program()} "), sys.stderr)
    except OSError:
        _give_up(sys.stderr)


def _print(text: str, stream: TextIO | None) -> None:
    """Print a text in pieces; a reader that takes nothing does not hold up the user's interrupt.

    Raises:
        OSError: it could not be printed; EPIPE if its reader takes nothing and the user has interrupted.
    """
    if stream is None:
        return
    text += "\n"
    for start in range(0, len(text), _PIECE_CHARACTERS):
        if not _is_ready(stream):
            raise OSError(errno.EPIPE, os.strerror(errno.EPIPE))
        stream.write(text[start : start + _PIECE_CHARACTERS])
        stream.flush()


def _is_ready(stream: TextIO) -> bool:
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return True  # in memory: a test has taken its place
    return wait_until_writable(descriptor)


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


def replay_command(path: str, fence: str = "") -> str:
    """Return the command that replays a witness, called as the user called this one.

    Args:
        path: of the witness.
        fence: to replay it against; empty for its own.
    """
    return f"replay: {command()} replay {shlex.quote(path)}{_options(path, fence)}"


def _options(path: str, fence: str) -> str:
    """Return the options of a replay: another fence, and what programs and code of the user need."""
    from harness.cli.code_permission import runs_code
    from harness.results.witness import read

    other = f" --fence {shlex.quote(fence)}" if fence else ""
    try:
        witness = read(path)
    except FormatError:
        return other
    rules = witness.scenario.get("invariant", ())
    starts = any(op.argv for lane in witness.program.lanes for op in lane.ops)
    if starts or any(runs_code(str(rule)) for rule in ([rules] if isinstance(rules, str) else rules)):
        return f"{other} --allow-programs"
    own = f" --fence {shlex.quote(witness.fence)}" if runs_code(witness.fence) else ""
    needed = "".join(f" --extension {shlex.quote(one.file)}" for one in witness.extensions)
    return (other or own) + needed
