"""Proof that a task sleeps.

A task that is stopped in a trap is known to be at rest. Of any other, one look proves
nothing: a task on its way to wake up reads as blocked. Two looks do, when the
second finds it in the same state, in the same call, with the same run count.

A task that a signal or a tracer has stopped does not sleep: it would go on if it were let. Nor does one
that is blocked outside of any call, as a frozen one is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from typing import ClassVar, NamedTuple

from harness.model.errors import Shortage
from harness.system.machine_limits import check_descriptor

__all__ = [
    "Halted",
    "QuiescenceWatch",
    "Rest",
    "asleep",
    "children_of",
    "filters_of",
    "halted",
    "has_returned",
    "id_in_namespace",
    "is_exiting",
    "process_and_parent_of",
    "same_twice",
    "tasks_of",
    "tracer_of",
]

#: Of /proc/PID/stat behind the name: a field, and PF_EXITING in it.
_FLAGS, _EXITING = 6, 0x4


class Halted(Exception):
    """A task is stopped by a signal or by a tracer, so that whether it sleeps cannot be told.

    Args:
        pid: its process.
        traced: whether a tracer stopped it.
    """

    def __init__(self, pid: int, traced: bool) -> None:
        super().__init__(pid, traced)
        self.pid = pid
        self.traced = traced

    @property
    def how(self) -> str:
        """Return how it was stopped, in words."""
        return "by a tracer" if self.traced else "by a signal"


class Rest(NamedTuple):
    """The proof that every task of some processes sleeps, or is stopped in a trap.

    Attributes:
        tasks: those of each process that sleep.
        calls: in which they sleep, each as /proc/TID/syscall has it.
    """

    tasks: list[list[int]]
    calls: list[bytes]

    @property
    def ends_by_time(self) -> bool:
        """Return whether one of them sleeps in a call that time alone will end."""
        return any(_ends_by_time(call.split()) for call in self.calls)


#: Calls in which a thread waits for its vforked child: clone, vfork, clone3.
_VFORKS = (b"56 ", b"58 ", b"435 ")
#: The kernel's word for a task that is blocked and in no call.
_NO_CALL = b"-1 "
#: How long a thread may run before it is given up to tell whether it has left a call, and between two looks.
_RETURN_S, _LOOK_AGAIN_S = 1.0, 0.00005


def tasks_of(pid: int) -> list[int]:
    """Thread ids of a process; empty when it is gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _read(path: str, size: int = 512) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        # A task that has ended and is not reaped yet has no memory, and its files in /proc belong to root.
        return b"gone"
    try:
        return os.read(fd, size)
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


class QuiescenceWatch:
    """Looks at the tasks of one process again and again, with descriptors that are kept."""

    _FILES: ClassVar = ("schedstat", "syscall", "stat")

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._open: dict[int, tuple[int, int, int]] = {}

    def look(self, tid: int) -> tuple[bytes, bytes, bytes]:
        """Run count, call and state of a task, as `_look` has them."""
        fds = self._open.get(tid)
        try:
            if fds is None:
                fds = self._open[tid] = self._opened(tid)
            runs, status, call = os.pread(fds[0], 512, 0), os.pread(fds[2], 512, 0), os.pread(fds[1], 512, 0)
        except OSError:
            # Gone, or another task has its number now.
            self._drop(tid)
            return _look(self._pid, tid)
        at = status.rfind(b")") + 2
        return runs[runs.rfind(b" ") + 1 :], call, status[at : at + 1]

    def sleeps(self, tid: int, since: bytes) -> bool:
        """Return whether a task has run and sleeps again, by two looks.

        Args:
            tid: which.
            since: its run count before.
        """
        first = self.look(tid)
        runs, call, state = first
        return runs != since and state == b"S" and not call.startswith(b"running") and self.look(tid) == first

    def _opened(self, tid: int) -> tuple[int, int, int]:
        found: list[int] = []
        try:
            for name in self._FILES:
                path = f"/proc/{self._pid}/task/{tid}/{name}"
                found.append(check_descriptor(os.open(path, os.O_RDONLY | os.O_CLOEXEC)))
        except (OSError, Shortage):
            for fd in found:
                os.close(fd)
            raise
        return found[0], found[1], found[2]

    def _drop(self, tid: int) -> None:
        for fd in self._open.pop(tid, ()):
            os.close(fd)

    def close(self, but: Collection[int] = ()) -> None:
        """Let descriptors go, but for those of some tasks."""
        for tid in [tid for tid in self._open if tid not in but]:
            self._drop(tid)


def asleep(pid: int, stopped: Collection[int], halts: bool = False) -> Rest | None:
    """Return the proof that every task of a process sleeps, leaving out those known to be stopped in a trap.

    Args:
        pid: the process.
        stopped: thread ids that need no proof.
        halts: see `same_twice`.

    Returns:
        None unless all of them do.

    Raises:
        Halted: see `same_twice`.
    """
    return same_twice([(pid, stopped, (), None)], halts)


def same_twice(
    processes: Sequence[tuple[int, Collection[int], Collection[int], QuiescenceWatch | None]],
    halts: bool = False,
) -> Rest | None:
    """Look twice at every task of some processes, leaving out those known to be stopped in a trap.

    Args:
        processes: each with the thread ids that need no proof, those that wait for
            their vforked child, which looks like no sleep, and what to look with.
        halts: a task that a signal stopped counts as asleep, because these processes stop each other.

    Returns:
        The proof that all of them sleep; None where there is none.

    Raises:
        Halted: a task is stopped by a signal, or by a tracer that is none of the processes.
    """
    tasks = [[tid for tid in tasks_of(pid) if tid not in stopped] for pid, stopped, _, _ in processes]
    first = []
    for (pid, _, vforking, watch), tids in zip(processes, tasks, strict=True):
        for tid in tids:
            look = watch.look(tid) if watch else _look(pid, tid)
            _, call, state = look
            if state in (b"T", b"t"):
                if not (halts if state == b"T" else tracer_of(tid) in [one[0] for one in processes]):
                    raise Halted(pid, state == b"t")
            elif state not in b"SZX" and not (state == b"D" and tid in vforking and call.startswith(_VFORKS)):
                return None
            if call.startswith(b"running") or (state == b"S" and call.startswith(_NO_CALL)):
                return None
            first.append(look)
    second = [
        watch.look(tid) if watch else _look(pid, tid)
        for (pid, _, _, watch), tids in zip(processes, tasks, strict=True)
        for tid in tids
    ]
    again = [[tid for tid in tasks_of(pid) if tid not in stopped] for pid, stopped, _, _ in processes]
    if first != second or tasks != again:
        return None
    return Rest(tasks, [call for _, call, _ in first])


def process_and_parent_of(tid: int) -> tuple[int, int]:
    """Process id of a thread and of that process's parent; zeros when it is gone."""
    pid = parent = 0
    for line in _read(f"/proc/{tid}/status").splitlines():
        if line.startswith(b"Tgid:"):
            pid = int(line.split()[1])
        elif line.startswith(b"PPid:"):
            parent = int(line.split()[1])
            break
    return pid, parent


def id_in_namespace(pid: int) -> int:
    """Return the id of a process in its own PID namespace; its id here when it is gone."""
    for line in _read(f"/proc/{pid}/status", 4096).splitlines():
        if line.startswith(b"NSpid:"):
            return int(line.split()[-1])
    return pid


def halted(pid: int) -> bool:
    """Return whether a process is stopped by a signal or by a tracer."""
    return any(_look(pid, tid)[2] in (b"T", b"t") for tid in tasks_of(pid))


def tracer_of(tid: int) -> int:
    """Return the process that traces a task; 0 for none, or when the task is gone."""
    for line in _read(f"/proc/{tid}/status", 1024).splitlines():
        if line.startswith(b"TracerPid:"):
            return int(line.split()[1])
    return 0


def has_returned(tid: int, number: int, args: Sequence[int]) -> bool:
    """Return whether a thread has come back from a call that it was let into; waits while it runs.

    Args:
        tid: the thread, by its id here.
        number: of the call.
        args: its six arguments.

    Returns:
        False, too, where the thread runs for so long that it cannot be told.
    """
    call = [str(number).encode(), *(b"0x%x" % arg for arg in args)]
    end = time.monotonic() + _RETURN_S
    while True:
        found = _read(f"/proc/{tid}/syscall").split()
        if found[:1] != [b"running"]:
            return found[: len(call)] != call
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_AGAIN_S)


def filters_of(pid: int) -> int:
    """Return how many seccomp filters a process is under; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("Seccomp_filters:"):
                    return int(line.split()[1])
    except OSError:
        return 0
    return 0


def children_of(pid: int) -> list[int]:
    """Child processes that still run; a zombie is none."""
    found = []
    for tid in tasks_of(pid):
        for child in _read(f"/proc/{pid}/task/{tid}/children").split():
            if child.isdigit() and _look(int(child), int(child))[2] not in b"ZX":
                found.append(int(child))
    return found


#: Calls that can end by themselves, with the argument that says when: a pointer or a
#: number of milliseconds that is not -1.
_TIMED = {202: 3, 449: 3, 271: 2, 23: 4, 270: 4, 128: 2, 220: 3}
_TIMED_MS = {7: 2, 232: 3, 281: 3}
_SLEEPS = (35, 230)
_LOW = 0xFFFFFFFF


def _ends_by_time(fields: Sequence[bytes]) -> bool:
    """Return whether a call, given as number and arguments, will be ended by time alone."""
    if not fields or not fields[0].isdigit():
        return False
    number = int(fields[0])
    if number in _TIMED:
        return int(fields[1 + _TIMED[number]], 16) != 0
    if number in _TIMED_MS:
        return int(fields[1 + _TIMED_MS[number]], 16) & _LOW != _LOW
    return number in _SLEEPS


def is_exiting(pid: int) -> bool:
    """Return whether a process exits: it has no memory any more, and is no zombie yet, or is one."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return True
    return fields[0] in (b"Z", b"X") or bool(int(fields[_FLAGS]) & _EXITING)
