"""Proof that a task sleeps.

A task that stands in a trap is known to stand. Of any other, one look proves
nothing: a task on its way to wake up reads as blocked. Two looks do, when the
second finds it in the same state, in the same call, with the same run count.
"""

from __future__ import annotations

import os
from collections.abc import Collection

__all__ = ["asleep", "tasks_of"]


def tasks_of(pid: int) -> list[int]:
    """Thread ids of a process; empty when it is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return b"gone"
    try:
        return os.read(fd, 512)
    except ProcessLookupError:
        return b"gone"
    finally:
        os.close(fd)


def _look(pid: int, tid: int) -> tuple[bytes, bytes, bytes]:
    base = f"/proc/{pid}/task/{tid}"
    runs = _read(f"{base}/schedstat").split()[-1:]
    status = _read(f"{base}/stat")
    state = status[status.rfind(b")") + 2 : status.rfind(b")") + 3] if b")" in status else b"Z"
    return (runs[0] if runs else b"", _read(f"{base}/syscall"), state)


def asleep(pid: int, standing: Collection[int]) -> bool:
    """Whether every task of a process sleeps, leaving out those known to stand in a trap.

    Args:
        pid: the process.
        standing: thread ids that need no proof.
    """
    tasks = [tid for tid in tasks_of(pid) if tid not in standing]
    first = [_look(pid, tid) for tid in tasks]
    if any(state not in b"SZTX" or call.startswith(b"running") for _, call, state in first):
        return False
    second = [_look(pid, tid) for tid in tasks]
    return first == second and tasks == [tid for tid in tasks_of(pid) if tid not in standing]
