"""Limit how long a process is waited for, by the time that it has had and not by the machine's clock alone.

On a loaded machine a process that computes for one second may take a minute. So two times are counted apart:
its processor time, and the time in which it neither ran nor waited for a processor or a disk. A process that
hangs comes to the limit of the second, one that computes without end to that of the first.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable

__all__ = ["TimeLimit", "with_descendants"]

#: Time between two looks, and the most that one look adds to the idle time: when the caller itself did not
#: run, nothing is known of what it waited for.
_LOOK_S, _GAP_S = 0.1, 0.25
#: The limit of real time, in multiples of the others: the machine gives the processes next to nothing.
_STARVED = 30.0
#: In this file Linux says how long a thread has waited for a processor; without it all time counts as idle.
_SCHEDSTAT = "/proc/self/schedstat"
_NS = 1_000_000_000


class TimeLimit:
    """A limit of the time in which some processes do what they are waited for.

    Args:
        idle_s: how long they may do nothing, in all.
        processes: returns the ids of those that are waited for.
        computing_s: processor time that they may take together; None for as much as `idle_s`.
    """

    def __init__(
        self, idle_s: float, processes: Callable[[], Iterable[int]], computing_s: float | None = None
    ) -> None:
        self._idle_s = idle_s
        self._computing_s = idle_s if computing_s is None else computing_s
        self._processes = processes
        self._computed_s = self._idled_s = 0.0
        self._begun = self._looked = time.monotonic()
        self._times: dict[tuple[int, int], tuple[int, int]] = {}

    def over(self) -> bool:
        """Return whether a limit is passed; to be asked more often than every quarter of a second."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._count(now)
        return (
            self._idled_s >= self._idle_s
            or self._computed_s >= self._computing_s
            or now - self._begun >= self._real_s
        )

    @property
    def starved(self) -> bool:
        """Return whether real time alone passed its limit: the processes got next to no processor time."""
        return self._idled_s < self._idle_s and self._computed_s < self._computing_s

    @property
    def spent(self) -> str:
        """The limit that was passed, as ``10 s`` or ``10 s of processor time``."""
        if self._computed_s >= self._computing_s:
            return f"{self._computing_s:g} s of processor time"
        return f"{self._real_s if self.starved else self._idle_s:g} s"

    @property
    def _real_s(self) -> float:
        return _STARVED * max(self._idle_s, self._computing_s)

    def _count(self, now: float) -> None:
        """Add what has passed since the last look."""
        passed_s, self._looked = now - self._looked, now
        tasks = [(pid, tid) for pid in self._processes() for tid in _tasks(pid)]
        before, self._times = self._times, {task: _times(*task) for task in tasks}
        own = (os.getpid(), threading.get_native_id())
        own_before, self._times[own] = before.get(own), _times(*own)
        if own_before is None:
            # The first look: the times before the wait are not known.
            self._idled_s += min(passed_s, _GAP_S)
            return
        since = {task: before.get(task, (0, 0)) for task in tasks}
        ran_s = sum(max(0, self._times[task][0] - since[task][0]) for task in tasks) / _NS
        queued_s = sum(max(0, self._times[task][1] - since[task][1]) for task in tasks) / _NS
        self._computed_s += ran_s
        if any(_wants(*task) for task in tasks):
            # How long it has waited so far, the kernel says only when it runs again.
            return
        if ran_s:
            # A process that moves may have waited for the caller, as a traced process does in each call.
            passed_s -= ran_s + queued_s + (sum(self._times[own]) - sum(own_before)) / _NS
        self._idled_s += min(max(0.0, passed_s), _GAP_S)


def with_descendants(pid: int) -> list[int]:
    """Return the ids of a process and of all that it started and that is still its descendant."""
    found = [pid]
    for one in found:
        for tid in _tasks(one):
            with contextlib.suppress(OSError), open(f"/proc/{one}/task/{tid}/children", "rb") as file:
                found += [int(child) for child in file.read().split()]
    return found


def _tasks(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    return []


def _times(pid: int, tid: int) -> tuple[int, int]:
    """Return the processor time of a task and how long it waited for a processor, in nanoseconds."""
    where = f"/proc/{pid}/task/{tid}/schedstat"
    with contextlib.suppress(OSError, ValueError, IndexError), open(where, "rb") as file:
        ran, queued, *_ = file.read().split()
        return int(ran), int(queued)
    return 0, 0


def _wants(pid: int, tid: int) -> bool:
    """Return whether a task waits for a processor or a disk."""
    if not os.path.exists(_SCHEDSTAT):
        return False
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/task/{tid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0] in b"RD"
    return False
