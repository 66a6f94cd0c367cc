"""Acts of other programs on a supervised process: they kill it, stop it, or leave it no processor time.

None of that is the fence's doing, so the schedule is void and is run again. Signals between
the processes of a schedule are its own: the supervisor sees each signal that they send.
"""

from __future__ import annotations

import contextlib
import fcntl
import signal
import struct
import time
from collections.abc import Iterable

from harness.gates.kernel.quiescence import tasks_of
from harness.system.dying import is_dying

__all__ = [
    "FAULTS",
    "NO_LIMIT_S",
    "STOPPING",
    "Patience",
    "Signals",
    "compute_limit_s",
    "dies",
    "ended_by_itself",
    "ending_signal",
    "from_outside",
    "ran_ns",
    "starved",
]

#: A limit that is never reached, in seconds: for a user who debugs.
NO_LIMIT_S = 1e9
#: Signals that stop a process.
STOPPING = frozenset({signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
#: Signals that the kernel sends for what the code of a process does at that moment.
FAULTS = frozenset({signal.SIGILL, signal.SIGTRAP, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV})
#: Signals that the kernel sends for something that the process itself did or asked for.
_OWN = frozenset(
    {
        *FAULTS,
        *(signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS),
        *(signal.SIGIO, signal.SIGABRT, signal.SIGPIPE),
    }
)
#: Most that one look adds to the time that a supervisor has waited.
_GAP_S = 0.25
#: Share of the patience that a process may compute without a call, in processor time; how often that
#: is looked at; and how many times the patience is had again while the process waits for a processor.
_COMPUTE_SHARE, _LOOK_S, _MORE_WAITS = 0.3, 0.05, 20
#: How long to watch a process that is late, and the share of that time in which one that computes runs.
_WATCH_S, _SHARE = 0.2, 0.25

#: PIDFD_GET_INFO of Linux 6.13 and newer, with the first version of its structure.
_GET_INFO = 0xC040FF0B
_INFO = struct.Struct("=QQ3I8Ii")
_INFO_EXIT = 1 << 3
#: The last field of /proc/PID/stat, counted behind the name.
_EXIT_CODE_AT = 49


class Signals:
    """The signals that processes of a schedule have sent."""

    def __init__(self) -> None:
        #: By process and number whether each was sent by that process itself.
        self._sent: dict[tuple[int, int], bool] = {}
        #: The same, of the schedule before and of the time between: the end may be seen later.
        self._before: dict[tuple[int, int], bool] = {}

    def clear(self) -> None:
        """Note that another schedule begins; those of the one before may still end a process."""
        self._before, self._sent = self._sent, {}

    def sent(self, target: int, number: int, *, by_itself: bool = False) -> None:
        """Note a signal.

        Args:
            target: process that it was sent to; 0 or less where that is not one process alone.
            number: of the signal.
            by_itself: that process has sent it.
        """
        if number:
            key = max(target, 0), number
            self._sent[key] = by_itself and self._sent.get(key, True)

    def may_have_got(self, pid: int, number: int) -> bool:
        """Return whether a process may have got a signal from another one of the schedule."""
        sent = self._sent.keys() | self._before.keys() if self._before else self._sent
        return (pid, number) in sent or (0, number) in sent

    def sent_itself(self, pid: int, number: int) -> bool:
        """Return whether a process has sent itself a signal, and no other one has sent it that."""
        return self._sent.get((pid, number), False)

    @property
    def any(self) -> bool:
        """Return whether any signal was sent."""
        return bool(self._sent)

    @property
    def stopping(self) -> bool:
        """Return whether one of them stops processes."""
        return bool(self._sent) and any(number in STOPPING for _, number in self._sent)


def from_outside(signals: Signals, pid: int, number: int) -> bool:
    """Return whether a signal that ended a process came from no process of the schedule.

    Args:
        signals: that were sent in the schedule.
        pid: of the process.
        number: of the signal; 0 or less for none.
    """
    return number > 0 and number not in _OWN and not signals.may_have_got(pid, number)


def ended_by_itself(signals: Signals, pid: int, number: int) -> bool:
    """Return whether a process has ended itself by a signal: it has sent it, or its code has faulted.

    Args:
        signals: that were sent in the schedule.
        pid: of the process.
        number: of the signal that ended it; 0 or less for none.
    """
    return signals.sent_itself(pid, number) or (number in FAULTS and not signals.may_have_got(pid, number))


def ending_signal(pidfd: int, pid: int) -> int:
    """Return the signal that ended a process; 0 where none did, or where that is not known.

    Args:
        pidfd: of the process, readable.
        pid: its id.
    """
    buffer = bytearray(_INFO.pack(_INFO_EXIT, *[0] * 13))
    with contextlib.suppress(OSError):
        fcntl.ioctl(pidfd, _GET_INFO, buffer)
        mask, *_, status = _INFO.unpack(buffer)
        if mask & _INFO_EXIT:
            return int(status) & 0x7F
    # Before Linux 6.15 the kernel tells it only until the process is reaped.
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
        if fields[0] == b"Z":
            return int(fields[_EXIT_CODE_AT]) & 0x7F
    return 0


def dies(pid: int, tids: Iterable[int]) -> bool:
    """Return whether one of a process's threads is about to end, for a signal that ends it was sent.

    Args:
        pid: of the process.
        tids: of the threads. One that is gone counts only where the process is gone, too.
    """
    return any(_dies(pid, tid) for tid in tids)


def _dies(pid: int, tid: int) -> bool:
    try:
        return is_dying(f"/proc/{pid}/task/{tid}/stat")
    except OSError:
        return not tasks_of(pid)


class Patience:
    """Time for which a supervisor waits for a process, without the time in which it did not run itself.

    A process that computes without a call has a limit of its own, in processor time. That does not depend on
    what else the machine does, so on a loaded machine it is waited for longer.

    Args:
        limit_s: how long it may wait.
        pid: the process; 0 where only the wait counts.

    Attributes:
        computed: the process has had its processor time, and made no call.
    """

    def __init__(self, limit_s: float, pid: int = 0) -> None:
        self._limit_s = self._left_s = limit_s
        self._looked = time.monotonic()
        self._pid = pid
        self._more = _MORE_WAITS
        self._begun_ns = -1
        self._next_look = 0.0
        self.computed = False

    def made_call(self) -> None:
        """Note that the process has made a call, so it does not compute without one."""
        self._begun_ns = -1

    def over(self) -> bool:
        """Return whether a limit is passed; to be asked more often than every quarter of a second."""
        now = time.monotonic()
        self._left_s -= min(now - self._looked, _GAP_S)
        self._looked = now
        if self._pid and now >= self._next_look:
            self._next_look = now + _LOOK_S
            self.computed = self._has_computed()
        if self._left_s >= 0 or self.computed:
            return self._left_s < 0 or self.computed
        return not self._waits_for_processor()

    def _has_computed(self) -> bool:
        used_ns = sum(ran_ns(*task) for task in _tasks([self._pid]))
        if self._begun_ns < 0:
            self._begun_ns = used_ns
        return used_ns - self._begun_ns > compute_limit_s(self._limit_s) * 1e9

    def _waits_for_processor(self) -> bool:
        """Return whether the process wants to run, and wait some more then."""
        if not self._pid or not self._more or all(_state(*task) != b"R" for task in _tasks([self._pid])):
            return False
        self._more -= 1
        self._left_s = self._limit_s
        return True


def compute_limit_s(limit_s: float) -> float:
    """Return how much processor time a process may take without a call.

    Args:
        limit_s: for how long it is waited for.
    """
    return limit_s * _COMPUTE_SHARE


def starved(pids: Iterable[int]) -> bool:
    """Return whether a task of some processes wants to run and gets next to no processor time.

    Looks at them for a fifth of a second.
    """
    before = {task: ran_ns(*task) for task in _tasks(pids)}
    time.sleep(_WATCH_S)
    wanting = [task for task in before if _state(*task) == b"R"]
    used_ns = sum(max(0, ran_ns(*task) - before[task]) for task in wanting)
    return bool(wanting) and used_ns < _SHARE * _WATCH_S * 1e9


def _tasks(pids: Iterable[int]) -> list[tuple[int, int]]:
    return [(pid, tid) for pid in pids for tid in tasks_of(pid)]


def ran_ns(pid: int, tid: int) -> int:
    """Return the processor time that a task has had, in nanoseconds; 0 when it is gone."""
    where = f"/proc/{pid}/task/{tid}/schedstat"
    with contextlib.suppress(OSError, ValueError, IndexError), open(where, "rb") as file:
        return int(file.read().split()[0])
    return 0


def _state(pid: int, tid: int) -> bytes:
    with contextlib.suppress(OSError, IndexError), open(f"/proc/{pid}/task/{tid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()[0]
    return b""
