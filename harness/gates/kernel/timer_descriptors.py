"""Timers behind a descriptor (timerfd), in virtual time.

The program's descriptor is of a timerfd that the kernel never sets, and whose file the supervisor has as
well. When the timer ends in virtual time, the supervisor sets the count that a read gives. The file is known
again by the interval that it has without being set: a number of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import itertools
import os
import select
import struct
from collections.abc import Iterator

from harness.gates.kernel.lane import TraceeProcess, Worker
from harness.gates.kernel.virtual_timers import Timer
from harness.system.machine_limits import check_descriptor

__all__ = ["TimerDescriptor", "TimerDescriptors"]

_LINK = "anon_inode:[timerfd]"
#: Interval: seconds from here on, and nanoseconds; then the time until the first end.
_SPEC = struct.Struct("=4q")
_INTERVAL_S, _INTERVAL_NS = 1_000_000_000, 271_828_182
#: TFD_IOC_SET_TICKS, where the kernel has it (CONFIG_CHECKPOINT_RESTORE).
_SET_TICKS = 0x40085400
_TICKS_MAX = (1 << 63) - 1

_libc = ctypes.CDLL(None, use_errno=True)


class TimerDescriptor(Timer):
    """One timer behind a descriptor.

    Args:
        worker: from which the process descends that made it.
        file: the supervisor's descriptor of the same open file.
        number: of the timer, by which its file is known.
    """

    def __init__(self, worker: Worker, file: int, number: int) -> None:
        super().__init__()
        self.worker = worker
        self.file = file
        self._interval = (_INTERVAL_S + number, _INTERVAL_NS)
        self._held: tuple[TraceeProcess, int] | None = None
        self._begin(0)

    @property
    def unread(self) -> bool:
        """Return whether it has ended since it was last read."""
        poll = select.poll()
        poll.register(self.file, select.POLLIN)
        return bool(poll.poll(0))

    def set(self, due_ns: int, interval_ns: int) -> None:
        """Set it, also where it was set already; ends that were not read are forgotten."""
        super().set(due_ns, interval_ns)
        self._begin(0)

    def add(self, count: int) -> None:
        """Let it have ended some times more."""
        ticks = _facts("self", self.file).get("ticks", "0")
        try:
            fcntl.ioctl(self.file, _SET_TICKS, struct.pack("=Q", min(int(ticks) + count, _TICKS_MAX)))
        except OSError as error:
            if error.errno != errno.ENOTTY:
                raise
            # Once then, however often it has ended.
            self._begin(1)
            poll = select.poll()
            poll.register(self.file, select.POLLIN)
            poll.poll()

    def _begin(self, real_ns: int) -> None:
        """Set the kernel's timer anew: to a time from now, or with 0 not at all."""
        if _libc.timerfd_settime(self.file, 0, _SPEC.pack(*self._interval, 0, real_ns), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def is_at(self, process: TraceeProcess, fd: int) -> bool:
        """Return whether a descriptor of a process is this timer's."""
        return _facts(process.pid, fd).get("it_interval") == str(self._interval)

    def holder(self) -> TraceeProcess | None:
        """Return the first process that has a descriptor of it; None when all were closed."""
        if self._held is not None:
            process, fd = self._held
            if self.worker.tracees.get(process.pid) is process and self.is_at(process, fd):
                return process
        self._held = next(self._found(), None)
        return None if self._held is None else self._held[0]

    def close(self) -> None:
        """Let the supervisor's descriptor go."""
        os.close(self.file)

    def _found(self) -> Iterator[tuple[TraceeProcess, int]]:
        """Yield the descriptors of it, with their processes in the order of birth."""
        for process in self.worker.tracees.values():
            with contextlib.suppress(OSError):
                for name in sorted(map(int, os.listdir(f"/proc/{process.pid}/fd"))):
                    if _link_of(process.pid, name) == _LINK and self.is_at(process, name):
                        yield process, name


class TimerDescriptors:
    """The timers behind descriptors of one schedule, in the order in which they were made."""

    def __init__(self) -> None:
        self._made: list[TimerDescriptor] = []
        self._numbers = itertools.count()

    def begin(self) -> None:
        """Start a schedule."""
        for timer in self._made:
            timer.close()
        self._made.clear()

    def make(self, worker: Worker, clock: int, flags: int) -> TimerDescriptor:
        """Add a timer, whose file is to be put into the process.

        Args:
            worker: from which the process descends.
            clock: its number.
            flags: of timerfd_create(2).

        Raises:
            OSError: no room for one more.
            Shortage: likewise.
        """
        self._forget_closed()
        file = _libc.timerfd_create(clock, flags | os.O_CLOEXEC)
        if file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        timer = TimerDescriptor(worker, check_descriptor(file), next(self._numbers))
        self._made.append(timer)
        return timer

    def at(self, process: TraceeProcess, fd: int) -> TimerDescriptor | None:
        """Return the timer behind a descriptor of a process; None where there is none."""
        for timer in self._made:
            if timer.is_at(process, fd):
                return timer
        return None

    def held(self) -> Iterator[tuple[TimerDescriptor, TraceeProcess]]:
        """Yield the timers that are set and not closed, each with the process that holds it."""
        for timer in self._made:
            holder = timer.holder() if timer.due_ns else None
            if holder is not None:
                yield timer, holder

    def _forget_closed(self) -> None:
        """Let go of timers whose descriptors were all closed."""
        closed = [timer for timer in self._made if timer.holder() is None]
        for timer in closed:
            timer.close()
            self._made.remove(timer)


def _facts(pid: int | str, fd: int) -> dict[str, str]:
    """Return what the kernel says of a descriptor; nothing where there is none."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as facts:
        return dict(line.rstrip().split(": ", 1) for line in facts if ": " in line)
    return {}


def _link_of(pid: int, fd: int) -> str:
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/{fd}")
    return ""
