"""Run an unmodified program as an operation of a lane, inside a worker.

The gate follows its calls in the session directory: the program and all its descendants act in the
lane's name. This module starts it with the same environment on every machine, and waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import Protocol

from harness.system.private_directories import PrivateDirectories
from harness.system.session_roots import MARK

__all__ = ["PYTHON", "Given", "launch", "launch_at_terminal", "live_in"]

#: In a command line, the interpreter that runs the harness.
PYTHON = "{python}"

_TAIL_CHARACTERS = 200
#: Begin of the names of directories that are made for one run.
_MADE = "harness-"
#: Variables of the environment that differ by session.
_own: dict[str, str] = {}
#: Signals that Python, the harness's workers or what has started those ignore; a program expects their
#: default actions.
_DEFAULT_SIGNALS = (
    *(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
)
_STANDARD = (0, 1, 2)
_WELL = "exit status 0"


class Given(Protocol):
    """Descriptors and settings for one start of a program; the caller closes the descriptors."""

    def terminal(self) -> int:
        """Return a descriptor of its terminal."""

    def screen(self) -> str:
        """Return the lines that its terminal shows."""

    def output(self) -> int:
        """Return a descriptor for its standard output."""


def live_in(private: PrivateDirectories) -> None:
    """Set the home and the temporary directory of programs that this process starts."""
    _own.update(HOME=private.home, TMPDIR=private.temporary)


def launch(argv: Sequence[str], transcript: str, given: Given | None = None) -> str:
    """Run a program to its end.

    Its standard input is empty, and the end of its standard error is kept.

    Args:
        argv: the program, looked up on PATH, and its arguments, with ``{transcript}``,
            ``{directory}`` and ``{python}``.
        transcript: absolute path.
        given: has its standard output; None where that is discarded.

    Returns:
        The way in which it ended, and the end of its standard error.
    """
    directory = os.path.dirname(transcript)
    words = _filled_in(argv, transcript)
    reading, writing = os.pipe()
    try:
        output = given.output() if given is not None else os.open(os.devnull, os.O_WRONLY)
        try:
            pid = _spawn(words, directory, output, writing)
        finally:
            os.close(output)
    except (OSError, ValueError) as error:
        os.close(reading)
        return f"not started: {getattr(error, 'strerror', None) or error}"
    finally:
        os.close(writing)
    stderr = b""
    try:
        while chunk := os.read(reading, 65536):
            stderr = (stderr + chunk)[-65536:]
    finally:
        os.close(reading)
    ended = _ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    text = _without_names(stderr.decode("utf-8", "replace"), directory).strip()
    return f"{ended}: {text[-_TAIL_CHARACTERS:]}" if text else ended


def launch_at_terminal(argv: Sequence[str], transcript: str, term: str, given: Given) -> str:
    """Run a program to its end, at a terminal that is its standard input, output and error and controls it.

    Args:
        argv: as `launch` has it.
        transcript: absolute path.
        term: kind of the terminal.
        given: has the terminal.

    Returns:
        The way in which it ended, and the end of what the terminal shows if that was not status 0.
    """
    words = _filled_in(argv, transcript)
    try:
        slave = given.terminal()
        try:
            pid = _spawn_at(words, os.path.dirname(transcript), term, slave)
        finally:
            os.close(slave)
    except (OSError, ValueError) as error:
        return f"not started: {getattr(error, 'strerror', None) or error}"
    ended = _ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    text = "" if ended == _WELL else " ".join(given.screen().split())
    return f"{ended}: {text[-_TAIL_CHARACTERS:]}" if text else ended


def _filled_in(argv: Sequence[str], transcript: str) -> list[str]:
    filled = {"{transcript}": transcript, "{directory}": os.path.dirname(transcript), PYTHON: sys.executable}
    words = []
    for word in argv:
        for name, value in filled.items():
            word = word.replace(name, value)  # noqa: PLW2901
        words.append(word)
    return words


def _without_names(text: str, directory: str) -> str:
    """Return a text without the names of directories that differ from run to run."""
    text = text.replace(directory + "/", "").replace(directory, ".")
    for name, value in _own.items():
        text = text.replace(value, f"${name}")
    parents = {os.path.dirname(path) for path in (directory, *_own.values())}
    for path in parents:
        if os.path.basename(path).startswith(_MADE):
            text = text.replace(path, "..")
    return text


def _environment(directory: str, term: str) -> dict[str, str]:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "TERM": term,
        "TMPDIR": directory,
        "TZ": "UTC",
        **_own,
    }
    if MARK in os.environ:
        # By this it is found if everything around it is killed.
        environment[MARK] = os.environ[MARK]
    return environment


def _spawn_at(words: list[str], directory: str, term: str, slave: int) -> int:
    return os.posix_spawnp(
        words[0],
        words,
        _environment(directory, term),
        file_actions=[
            # To open it makes it the terminal of the new session. To write to it so is forbidden.
            (os.POSIX_SPAWN_OPEN, 0, f"/proc/self/fd/{slave}", os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, slave, fd) for fd in _STANDARD),
        ],
        setsigdef=_DEFAULT_SIGNALS,
        setsid=True,
    )


def _spawn(words: list[str], directory: str, stdout: int, stderr: int) -> int:
    return os.posix_spawnp(
        words[0],
        words,
        _environment(directory, "dumb"),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, stdout, 1),
            (os.POSIX_SPAWN_DUP2, stderr, 2),
        ],
        setsigdef=_DEFAULT_SIGNALS,
        # As a shell or cron starts it: a script may signal its own process group.
        setpgroup=0,
    )


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    return f"killed by {signal.Signals(-code).name}"
