"""End a worker process with all its descendants."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from typing import Any

__all__ = ["REAP_S", "ended", "kill_tree"]

REAP_S = 5.0
_PAUSE_S = 0.005


def ended(process: Any, patience_s: float = REAP_S) -> bool:
    """Wait until a process has ended, reap it, and return whether it has.

    Its own `join` waits for a pipe to be closed, which a process under test may do at any time.

    Args:
        process: a child, of `multiprocess`.
        patience_s: how long to wait at most, in seconds.
    """
    deadline = time.monotonic() + patience_s
    while process.is_alive() and (left := deadline - time.monotonic()) > 0:
        try:
            with _pidfd(process.pid) as pidfd:
                select.select([pidfd], (), (), left)
        except (AttributeError, OSError):
            # Not Linux, or gone and not reaped yet.
            time.sleep(min(left, _PAUSE_S))
    return not process.is_alive()


@contextlib.contextmanager
def _pidfd(pid: int) -> Iterator[int]:
    fd = os.pidfd_open(pid)
    try:
        yield fd
    finally:
        os.close(fd)


def kill_tree(pid: int) -> None:
    """Send SIGKILL to a process and all its descendants; ignore those already gone."""
    # Imported here because most processes that may have to do this never do.
    import psutil

    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family[:-1], timeout=REAP_S)
