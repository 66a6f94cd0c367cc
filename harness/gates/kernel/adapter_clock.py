"""The date that an adapter reads, with all that it starts: virtual time, though its waits are in real time.

An adapter keeps the machine's monotonic clock, and the kernel ends its waits, because its runtime waits
between schedules, too. Where the two clocks meet they have to agree: a wait that ends at a date is told the
machine's date, and a wait that took its whole time has taken it by the date as well, for the thread that
waited. Other threads may have waited for less or more, by chance. How long the threads that act for a lane
have waited is counted for `adapter_waits`, which has its lane wait for as long.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections import defaultdict
from typing import NamedTuple

from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.program_clock import DATES
from harness.gates.kernel.steady_clock import SteadyClock
from harness.gates.kernel.timed_waits import ends_at_date, steady_end_at, time_out_of

__all__ = ["AdapterClock"]

_TIMESPEC = struct.Struct("=2q")
_SECOND = 1_000_000_000
#: So often a thread reads the date until it moves by itself.
_STANDS_STILL = 1000
#: By so much more it moves at each read from then on: ten seconds within 10,000 reads.
_FASTER_NS = 200
_ABSOLUTE = 1
#: By so much of its time, and so much more, the kernel may end a wait later.
_SLACK, _SLACK_NS = 100, 2_000_000
#: A shorter wait is for a lock of the interpreter, or to spin; as far as it ends by time, that is chance.
_SHORT_NS = 8_000_000
#: Kinds of calls that wait for a time at most.
_WAITS = frozenset({"timed", "sleep"})
_TIMERS = frozenset({"timer_settime", "timerfd_settime"})
#: Where in the times of a timer the first end stands, behind the interval.
_FIRST_END_AT = 16


class _Wait(NamedTuple):
    """A wait that the kernel ends.

    Args:
        since_ns: when it began, by the machine's monotonic clock.
        time_out_ns: how long it is at most.
        tells: whether the date has to go on by it.
        counts: whether the lane has to wait for as long, where it is the wait of a thread that acts for it.
    """

    since_ns: int
    time_out_ns: int
    tells: bool
    counts: bool

    @property
    def end_ns(self) -> int:
        """Return when the kernel has ended it at the latest, by the machine's monotonic clock."""
        return self.since_ns + self.time_out_ns + self.time_out_ns // _SLACK + _SLACK_NS


class _Changed(NamedTuple):
    """A date in an adapter's memory, in whose place the machine's stands as long as the kernel needs it.

    Args:
        process: that has it.
        address: where it stands.
        own: as the adapter has put it there.
        machines: what stands there instead.
    """

    process: Process
    address: int
    own: bytes
    machines: bytes


class _View:
    """The date as one thread sees it: never earlier than it was.

    Attributes:
        shown_ns: virtual time that it has read last.
        waited_ns: how long it has waited since.
    """

    def __init__(self) -> None:
        self.shown_ns = self.waited_ns = 0
        self._told_ns = self._reads = 0

    def read(self, now_ns: int) -> int:
        """Return what it reads, in nanoseconds, and count the read."""
        self.shown_ns = self.now(now_ns)
        self.waited_ns = 0
        if now_ns != self._told_ns:
            self._told_ns, self._reads = now_ns, 0
        self._reads += 1
        if self._reads > _STANDS_STILL:
            # A loop that waits for a date gets there.
            self.shown_ns += (self._reads - _STANDS_STILL) * _FASTER_NS
        return self.shown_ns

    def now(self, now_ns: int) -> int:
        """Return virtual time as the thread sees it, in nanoseconds."""
        return max(now_ns, self.shown_ns) + self.waited_ns


class AdapterClock:
    """What the clocks of the date show in one adapter and in the processes that it starts.

    Attributes:
        steady: its clocks that only go forward.
    """

    def __init__(self) -> None:
        self.steady = SteadyClock()
        self._views: defaultdict[int, _View] = defaultdict(_View)
        #: Whether the date was read since the last request.
        self._is_read = False
        self._waits: dict[int, _Wait] = {}
        self._changed: dict[int, _Changed] = {}
        #: The threads that have acted for a lane, how long each has waited since the last request or stop
        #: of the lane, and for how long the lane of a request that was answered has still to wait.
        self._acting: set[int] = set()
        self._waited: defaultdict[int, int] = defaultdict(int)
        self._owed_ns = 0

    def begin(self) -> None:
        """Start a schedule."""
        self._views.clear()
        self.steady.begin()
        self._owed_ns = 0
        self.request_begins()

    def request_begins(self) -> None:
        """Forget how long threads have waited: for how long one is idle is chance."""
        self._is_read = False
        self._waits.clear()
        self._waited.clear()
        for view in self._views.values():
            view.waited_ns = 0

    def request_ends(self) -> None:
        """Note that a request was answered."""
        self._owed_ns += max((self._waited.pop(tid, 0) for tid in self._acting), default=0)

    def acts(self, tid: int) -> None:
        """Note that a thread acts for a lane."""
        self._acting.add(tid)

    def read(self, tid: int, now_ns: int) -> int:
        """Return the virtual time that a thread reads, in nanoseconds, and count the read.

        Args:
            tid: the thread.
            now_ns: virtual time.
        """
        self.returned(tid)
        self._is_read = True
        return self._views[tid].read(now_ns)

    # Waits

    def returned(self, tid: int) -> None:
        """Note that a thread makes a call, so that a wait of it is over."""
        if tid in self._changed:
            changed = self._changed.pop(tid)
            memory = changed.process.memory
            with contextlib.suppress(OSError):
                if memory.read(changed.address, len(changed.own)) == changed.machines:
                    memory.write(changed.address, changed.own)
        wait = self._waits.pop(tid, None)
        if wait is not None and time.monotonic_ns() - wait.since_ns >= wait.time_out_ns:
            if wait.tells:
                self._views[tid].waited_ns += wait.time_out_ns
            if wait.counts and wait.time_out_ns >= _SHORT_NS:
                self._waited[tid] += wait.time_out_ns

    def next_end(self) -> int | None:
        """Return when the next wait ends by time, in nanoseconds of the machine's monotonic clock.

        Returns:
            Of a thread that acts for a lane, if one waits; None where none waits for a time.
        """
        now_ns = time.monotonic_ns()
        ends = {tid: wait.end_ns for tid, wait in self._waits.items() if wait.counts and wait.end_ns > now_ns}
        acting = [end_ns for tid, end_ns in ends.items() if tid in self._acting]
        return min(acting or ends.values(), default=None)

    def take_waited(self, tid: int = 0) -> int:
        """Return for how long the lane that has stopped has to wait, and count anew.

        Args:
            tid: the thread that has stopped for it; 0 where its request was answered.

        Returns:
            Nanoseconds.
        """
        waited_ns = self._owed_ns + (self._waited.pop(tid, 0) if tid else 0)
        self._owed_ns = 0
        for view in self._views.values() if waited_ns else ():
            view.waited_ns = 0
        return waited_ns

    def kernel_waits(self, pending: PendingSyscall, now_ns: int, ahead_ns: int) -> None:
        """Take in that the kernel is about to run a call, which may wait at most for a time, or set a timer.

        Args:
            pending: the call.
            now_ns: virtual time.
            ahead_ns: how far the date is ahead of it.

        Raises:
            OSError: its arguments point nowhere.
        """
        self.returned(pending.tid)
        address = _date_at(pending)
        if address:
            left_ns = self._left(pending, address, self._views[pending.tid].now(now_ns) + ahead_ns)
        elif pending.call.kind in _WAITS:
            self._tell_machines(pending)
            left_ns = time_out_of(pending)
        else:
            return
        if left_ns is not None and pending.call.kind in _WAITS:
            tells = bool(address) or self._is_read
            counts = pending.call.kind == "timed"
            self._waits[pending.tid] = _Wait(time.monotonic_ns(), max(0, left_ns), tells, counts)

    def _left(self, pending: PendingSyscall, address: int, date_ns: int) -> int | None:
        """Return how long it is until a date, and put the machine's in its place while the call runs.

        Args:
            pending: the call.
            address: where its date stands.
            date_ns: the date that the adapter would read now.
        """
        memory = pending.process.memory
        own = memory.read(address, _TIMESPEC.size)
        if len(own) != _TIMESPEC.size:
            return None
        seconds, rest = _TIMESPEC.unpack(own)
        until_ns: int = seconds * _SECOND + rest
        machine_ns, steady_ns = time.time_ns(), time.monotonic_ns() + self.steady.ahead_ns
        # One that was reckoned from a date of the machine's is right as it is.
        nearest_ns = min((machine_ns, steady_ns, date_ns), key=lambda clock_ns: abs(until_ns - clock_ns))
        if nearest_ns == steady_ns:
            self._change(pending, address, own, until_ns - self.steady.ahead_ns)
        elif nearest_ns == date_ns:
            self._change(pending, address, own, machine_ns + until_ns - date_ns)
        return until_ns - nearest_ns

    def _tell_machines(self, pending: PendingSyscall) -> None:
        """Put the machine's time in the place of the adapter's steady one, at which a call ends."""
        address = steady_end_at(pending) if self.steady.ahead_ns else 0
        own = pending.process.memory.read(address, _TIMESPEC.size) if address else b""
        if len(own) == _TIMESPEC.size:
            seconds, rest = _TIMESPEC.unpack(own)
            self._change(pending, address, own, seconds * _SECOND + rest - self.steady.ahead_ns)

    def _change(self, pending: PendingSyscall, address: int, own: bytes, until_ns: int) -> None:
        """Put the machine's time in the place of the adapter's while a call runs."""
        machines = _TIMESPEC.pack(*divmod(max(0, until_ns), _SECOND))
        if machines != own:
            pending.process.memory.write(address, machines)
            self._changed[pending.tid] = _Changed(pending.process, address, own, machines)


def _date_at(pending: PendingSyscall) -> int:
    """Return where the date stands at which a call ends, or a timer; 0 for none."""
    name, args = pending.call.name, pending.args
    if name == "clock_nanosleep":
        return args[2] if args[1] & _ABSOLUTE and signed(args[0]) in DATES else 0
    if name in _TIMERS:
        return args[2] + _FIRST_END_AT if args[1] & _ABSOLUTE and args[2] else 0
    return args[3] if ends_at_date(pending) else 0
