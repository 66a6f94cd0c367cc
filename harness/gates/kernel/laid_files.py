"""The files that lie in the session directory before the first step."""

from __future__ import annotations

import os
from collections.abc import Callable

from fence.locks import KINDS, LockFile
from fence.transcript import write_all
from harness.model.program import Program

__all__ = ["LINKED", "TRANSCRIPT", "lay_transcript", "left_lock", "make_file"]

TRANSCRIPT = "transcript.jsonl"
#: The file's name where the transcript's path is a symbolic link.
LINKED = "linked.jsonl"


def lay_transcript(directory: str, program: Program) -> tuple[str, ...]:
    """Make the transcript before the first step; return the names that it has, the file's first.

    A program without initial lines starts where there is no file.
    """
    if not program.initial:
        return ()
    content = "".join(f"{entry.line}\n" for entry in program.initial).encode()
    name = LINKED if program.symlink else TRANSCRIPT
    make_file(os.path.join(directory, name), content)
    if not program.symlink:
        return (TRANSCRIPT,)
    os.symlink(LINKED, os.path.join(directory, TRANSCRIPT))
    return LINKED, TRANSCRIPT


def make_file(path: str, content: bytes) -> None:
    """Make a file that is not there yet."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        write_all(fd, content)
    finally:
        os.close(fd)


def left_lock(program: Program, lock: LockFile, pid_of: Callable[[str], int]) -> bytes | None:
    """Return the content of the lock file that a dead process left; None for none.

    Args:
        program: of the schedule.
        lock: the first of its locks.
        pid_of: returns the process id by which a process knows itself, given its name.
    """
    left, make = program.left_lock, KINDS[lock.kind].left_behind
    if left is None or make is None:
        return None
    return make(pid_of(left.process), program.clock_start_ns // 1_000_000 - left.age_ms)
