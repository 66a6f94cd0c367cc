"""One thread of a program at a time: on one processor, and none displaces another one.

Accesses of threads to shared memory are no calls, so no supervisor can order them. But it follows from the
order in which they run. A program has one processor, and once it starts a thread, all its threads
have the policy SCHED_FIFO with the same priority: a thread runs until it waits, and those that were woken
meanwhile run after it, in the order in which they were woken. Calls that are trapped are let go one at a
time when all threads are at rest, see `process_scheduler`. So nothing is left to chance.

The policy needs CAP_SYS_NICE. Without it threads displace each other sometimes.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading

from harness.gates.kernel.interference import ran_ns
from harness.gates.kernel.quiescence import tasks_of

__all__ = [
    "SpinWatch",
    "keep_on_one_processor",
    "run_freely",
    "run_one_by_one",
    "spin_limit_s",
    "unavailable",
]

#: The lowest priority of the policy; the same for all is what counts.
_PRIORITY = os.sched_param(1)
#: The processor on which a task last ran, in /proc/PID/stat, counted behind the name.
_PROCESSOR_AT = 36
_NS = 1_000_000_000
#: Share of the wall limit in processor time after which a thread spins; and the most of that, in seconds.
_SPIN_SHARE, _SPIN_MAX_S = 0.5, 5.0
#: Microseconds of a period that such threads may have at most; the rest is for all others.
_SHARE = "/proc/sys/kernel/sched_rt_runtime_us"


def keep_on_one_processor(pid: int) -> None:
    """Give a process with one thread the processor alone on which it is, and all that it will start.

    Args:
        pid: of the process, which is stopped.
    """
    with contextlib.suppress(OSError):
        if len(os.sched_getaffinity(pid)) > 1:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                fields = stat.read().rpartition(b") ")[2].split()
            os.sched_setaffinity(pid, {int(fields[_PROCESSOR_AT])})


def run_one_by_one(pid: int) -> None:
    """Have the threads of a process, and all that it will start, run until they wait.

    Args:
        pid: of the process, which is stopped before it starts its first thread.
    """
    # Where it cannot be had they share their processor as the machine sees fit.
    with contextlib.suppress(OSError):
        if not _unbounded():
            os.sched_setscheduler(pid, os.SCHED_FIFO, _PRIORITY)


def run_freely(pid: int) -> None:
    """Have the threads of a process run side by side, on all processors that there are."""
    for tid in tasks_of(pid):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))
            os.sched_setaffinity(tid, os.sched_getaffinity(0))


class SpinWatch:
    """Finds a program of which one thread waits for another one without a call.

    Such a thread never lets the other one run. It is told from one that computes by the processor time that
    it takes: that does not depend on what else the machine does.

    Args:
        limit_s: processor time in one step after which it is taken for one that waits, in seconds.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_ns = int(limit_s * _NS)
        self._begun: dict[int, int] = {}

    def spins(self, pid: int) -> bool:
        """Return whether a process has run for longer than the limit since this was first asked."""
        used_ns = sum(ran_ns(pid, tid) for tid in tasks_of(pid))
        return used_ns - self._begun.setdefault(pid, used_ns) > self._limit_ns


def spin_limit_s(wall_limit_s: float) -> float:
    """Return the processor time after which a thread is taken for one that waits for another one, in seconds.

    Args:
        wall_limit_s: how long the supervisor waits for a process. A user who debugs has no such limit, but a
            program with such a thread has to go on all the same.
    """
    return min(wall_limit_s * _SPIN_SHARE, _SPIN_MAX_S)


@functools.cache
def _unbounded() -> str:
    """Return why a program that computes would keep its processor from all else; empty where it does not."""
    with contextlib.suppress(OSError), open(_SHARE, encoding="ascii") as share:
        if int(share.read()) < 0:
            return "kernel.sched_rt_runtime_us is -1; give it less than kernel.sched_rt_period_us"
    return ""


def unavailable() -> str:
    """Return why threads of programs may displace each other; empty where they run one by one."""
    if _unbounded():
        return _unbounded()
    reasons: list[str] = []

    def try_it() -> None:
        # The policy is that of a thread, and ends with it.
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, _PRIORITY)
        except OSError as error:
            reasons.append(f"SCHED_FIFO: {error.strerror}; run as root, or allow CAP_SYS_NICE")

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    return reasons[0] if reasons else ""
