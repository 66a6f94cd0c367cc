"""Processes and what they have started: who they are, what they use, and their end.

Read from /proc by name of the process, because a search through all processes of the machine takes as long as
some schedules.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence

__all__ = ["children", "descendants", "kill", "usage"]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Return the child processes of a process; none where it is gone.

    Args:
        pid: of the process.
    """
    found: list[int] = []
    try:
        # Each thread has its own list.
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                path = f"/proc/{pid}/task/{task}/children"
                with open(path, encoding="ascii") as file:
                    found += map(int, file.read().split())
    except OSError:
        return found
    return found if found or os.path.exists("/proc/thread-self/children") else _searched(pid)


def _searched(parent: int) -> list[int]:
    """Return the children of a process where the kernel has no list of them (CONFIG_PROC_CHILDREN)."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # The name of the program, in brackets, may have any character.
                if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                    found.append(int(name))
    return found


def descendants(pid: int) -> list[int]:
    """Return all processes that come from a process, parents before their children.

    Args:
        pid: of the process, which is not among them.
    """
    found: list[int] = []
    waiting = children(pid)
    while waiting:
        found += waiting
        waiting = [child for one in waiting for child in children(one)]
    return found


def kill(pids: Sequence[int], patience_s: float, spared: int = 0) -> None:
    """Send SIGKILL to processes in their order, wait until they have ended, and reap those that are ours.

    Args:
        pids: of the processes; those already gone are ignored.
        patience_s: how long to wait for all, in seconds.
        spared: one of them that somebody else reaps.
    """
    with contextlib.ExitStack() as stack:
        killed: list[int] = []
        for pid in pids:
            with contextlib.suppress(OSError):
                # From here on the number cannot come to mean another process.
                pidfd = os.pidfd_open(pid)
                stack.callback(os.close, pidfd)
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                killed.append(pidfd)
        deadline = time.monotonic() + patience_s
        waiting = select.poll()
        for pidfd in killed:
            waiting.register(pidfd, select.POLLIN)
        left = len(killed)
        while left and (patience := deadline - time.monotonic()) > 0:
            for pidfd, _ in waiting.poll(patience * 1000):
                waiting.unregister(pidfd)
                left -= 1
        # Not before all have ended: a child becomes ours when its parent ends.
        for pid in pids:
            if pid != spared:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def usage(pid: int) -> dict[str, int] | None:
    """Return what a process uses: bytes of memory, descriptors, threads and children; None where it is gone.

    Args:
        pid: of the process.
    """
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            pages = int(file.read().split()[1])
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return None
    return {
        "rss_bytes": pages * _PAGE_BYTES,
        "descriptors": descriptors,
        "threads": threads,
        "children": len(children(pid)),
    }
