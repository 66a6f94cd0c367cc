"""Running an unmodified program as an operation of a lane, inside a worker.

What it does in the session directory is the gate's business: the program and all that it
starts act in the lane's name. Here it gets surroundings that are the same on every machine, and
is waited for.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

__all__ = ["launch"]

_TAIL_CHARACTERS = 200
#: Signals that a Python process ignores, or our workers do, and that a program expects as they come.
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT)


def launch(argv: Sequence[str], transcript: str) -> str:
    """Run a program to its end.

    It has nothing to read, what it says is thrown away, and of what it complains about
    the end is kept.

    Args:
        argv: the program, looked up on PATH, and its arguments, with ``{transcript}`` and
            ``{directory}``.
        transcript: absolute path.

    Returns:
        How it ended, and the end of what it complained about.
    """
    directory = os.path.dirname(transcript)
    words = [word.replace("{transcript}", transcript).replace("{directory}", directory) for word in argv]
    reading, writing = os.pipe()
    try:
        pid = _spawn(words, directory, writing)
    except (OSError, ValueError) as error:
        os.close(reading)
        return f"not started: {getattr(error, 'strerror', None) or error}"
    finally:
        os.close(writing)
    complaint = b""
    try:
        while chunk := os.read(reading, 65536):
            complaint = (complaint + chunk)[-65536:]
    finally:
        os.close(reading)
    ended = _ended(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    told = complaint.decode("utf-8", "replace").replace(directory + "/", "").strip()
    return f"{ended}: {told[-_TAIL_CHARACTERS:]}" if told else ended


def _spawn(words: list[str], directory: str, complaints: int) -> int:
    surroundings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "TERM": "dumb",
        "TMPDIR": directory,
        "TZ": "UTC",
    }
    return os.posix_spawnp(
        words[0],
        words,
        surroundings,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, complaints, 2),
        ],
        setsigdef=_DEFAULT_SIGNALS,
    )


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    return f"killed by {signal.Signals(-code).name}"
