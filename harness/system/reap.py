"""End a worker process with all its descendants."""

from __future__ import annotations

import contextlib
import signal

import psutil

__all__ = ["REAP_S", "kill_tree"]

REAP_S = 5.0


def kill_tree(pid: int) -> None:
    """Send SIGKILL to a process and all its descendants; ignore those already gone."""
    try:
        root = psutil.Process(pid)
        family = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(family[:-1], timeout=REAP_S)
