"""Try in a child process what a user's module may do while it is imported: print, exit, hang."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

from fence.external.time_limit import TimeLimit, with_descendants

__all__ = ["tried"]

#: Limits of an import: doing nothing, and computing. An adapter has shorter limits of its own.
_IMPORT_S, _IMPORT_COMPUTING_S = 20.0, 90.0
_TICK_S = 0.1
_ANSWER_BYTES_MAX = 4000
_LOADED = b"loaded"


def tried(load: Callable[[], object], what: str, error: type[Exception]) -> str:
    """Load something in a child process; return what is wrong, empty for nothing.

    Args:
        load: loads it, and says by an exception what is wrong.
        what: it is called in messages.
        error: class of the exception.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _report(load, what, error, writing)
    os.close(writing)
    try:
        limit = TimeLimit(_IMPORT_S, lambda: with_descendants(pid), _IMPORT_COMPUTING_S)
        while not (ready := select.select([reading], [], [], _TICK_S)[0]) and not limit.over():
            pass
        answer = os.read(reading, _ANSWER_BYTES_MAX) if ready else None
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if answer is None:
        return f"{what}: importing it took more than {limit.spent}"
    if not answer:
        return f"{what}: importing it ended the process; a module must not do that"
    return "" if answer == _LOADED else answer.decode(errors="replace")


def _report(load: Callable[[], object], what: str, error: type[Exception], writing: int) -> NoReturn:
    """Load it in the child of `tried` and write the result to the pipe."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        answer = _LOADED
        try:
            load()
        except error as wrong:
            answer = str(wrong).encode(errors="replace")
        except Exception as wrong:  # of code of ours that the user's objects misled
            answer = f"{what}: loading it failed: {type(wrong).__name__}: {wrong}".encode(errors="replace")
        os.write(writing, answer[:_ANSWER_BYTES_MAX])
    finally:
        os._exit(0)
