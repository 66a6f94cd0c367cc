"""Waits of programs that end by an event or by time: sleeps, poll, select, epoll, futex, sigtimedwait.

In virtual time such a thread is stopped before its call. It goes on as soon as what it waits for is there,
and the kernel then ends the call at once; or when virtual time comes to its time-out, and then the call is
answered as the kernel would. A signal that the thread handles ends any of them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import struct
import time
from collections.abc import Iterable, Iterator

import msgspec

from harness.gates.kernel.linux_abi import RESPONSE_CONTINUE
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.program_clock import ProgramClock
from harness.gates.kernel.signal_sets import signal_sets, to_be_handled
from harness.system.descriptors import copy_of

__all__ = ["TimedWait", "ends_at_date", "steady_end_at", "time_out_of", "wait_of", "watched"]

#: By name: the argument that says how long.
_TIME_AT = {
    "poll": 2,
    "ppoll": 2,
    "select": 4,
    "pselect6": 4,
    "epoll_wait": 3,
    "epoll_pwait": 3,
    "epoll_pwait2": 3,
    "futex": 3,
    "rt_sigtimedwait": 2,
}
#: By name: the argument that points to the signals which are blocked meanwhile, or to such a pointer.
_BLOCKED_AT = {"ppoll": 3, "pselect6": 5, "epoll_pwait": 4, "epoll_pwait2": 4}
_ADDRESS = struct.Struct("=Q")
_SLEEPS = frozenset({"nanosleep", "clock_nanosleep"})
_ABSOLUTE_TIME = 1
_VALUES = {"futex": -errno.ETIMEDOUT, "rt_sigtimedwait": -errno.EAGAIN}
#: They say how much of the time is left: in microseconds, in nanoseconds.
_LEFT_UNIT_NS = {"select": 1000, "pselect6": 1}
_MILLISECONDS = frozenset({"poll", "epoll_wait", "epoll_pwait"})
_SECONDS = struct.Struct("=2q")
_NS = 1_000_000_000
_FUTEX_COMMAND, _FUTEX_WAIT_BITSET, _FUTEX_CLOCK_REALTIME = 0x7F, 9, 0x100
_POLLFD = struct.Struct("=iHh")
#: Descriptors of a select, and the events that its three sets stand for.
_SET_BITS = 8
_READABLE, _WRITABLE = select.POLLIN | select.POLLHUP | select.POLLERR, select.POLLOUT | select.POLLERR
_SETS = ((1, _READABLE), (2, _WRITABLE), (3, select.POLLPRI))
_FDS_MAX = 4096


class TimedWait(msgspec.Struct, frozen=True):
    """A wait with a time-out.

    Args:
        pending: the call.
        until_ns: virtual time at which it ends if nothing comes.
        watched: descriptors of the process and the events of poll(2) that are waited for.
        word: address and value of a futex; None for a wait for descriptors.
        signals: signals that are waited for, as `signal_sets` has them.
        blocked: signals that are blocked meanwhile; None for those that its thread blocks anyway.
    """

    pending: PendingSyscall
    until_ns: int
    watched: tuple[tuple[int, int], ...] = ()
    word: tuple[int, bytes] | None = None
    signals: int = 0
    blocked: int | None = None

    def is_over(self) -> bool:
        """Return whether what is waited for is there, or a signal that the process handles."""
        process = self.pending.process
        if self.word is not None:
            address, value = self.word
            if process.memory.read(address, len(value)) != value:
                return True
        elif _any_ready(process, self.watched):
            return True
        if self.signals and signal_sets(self.pending.tid).pending & self.signals:
            return True
        return to_be_handled(process.pid, self.pending.tid, self.blocked)

    def answer(self, now_ns: int) -> tuple[int, int, int]:
        """Return what to say to a wait that is over: a sleep is interrupted, others the kernel ends at once.

        Args:
            now_ns: virtual time.

        Returns:
            Value of the call, negative errno, and flags.
        """
        pending, args = self.pending, self.pending.args
        if pending.call.name not in _SLEEPS:
            # The kernel says what is left of the time that it finds.
            with contextlib.suppress(OSError):
                self._leave(max(1, self.until_ns - now_ns))
            return 0, 0, RESPONSE_CONTINUE
        plain = pending.call.name == "nanosleep"
        left_at = args[1 if plain else 3]
        if left_at and (plain or not args[1] & _ABSOLUTE_TIME):
            left_ns = max(0, self.until_ns - now_ns)
            with contextlib.suppress(OSError):
                pending.process.memory.write(left_at, _SECONDS.pack(*divmod(left_ns, _NS)))
        return 0, -errno.EINTR, 0

    def time_out(self) -> tuple[int, int]:
        """Leave the program's memory as the kernel does when the time is over.

        Returns:
            Value of the call, and negative errno.
        """
        memory, name, args = self.pending.process.memory, self.pending.call.name, self.pending.args
        with contextlib.suppress(OSError):
            if name in ("poll", "ppoll"):
                for place in range(min(args[1], _FDS_MAX)):
                    memory.write(args[0] + _POLLFD.size * place + 6, bytes(2))
            elif name in ("select", "pselect6"):
                for argument, _ in _SETS:
                    if args[argument]:
                        memory.write(args[argument], bytes(_set_size(args[0])))
                self._leave(0)
        return 0, _VALUES.get(name, 0)

    def _leave(self, left_ns: int) -> None:
        """Put what is left of the time where a call has it that says so."""
        pending, name = self.pending, self.pending.call.name
        if name in _LEFT_UNIT_NS:
            seconds, rest = divmod(left_ns, _NS)
            left = _SECONDS.pack(seconds, rest // _LEFT_UNIT_NS[name])
            pending.process.memory.write(pending.args[_TIME_AT[name]], left)


def wait_of(pending: PendingSyscall, clock: ProgramClock) -> TimedWait | None:
    """Return the wait that a call is about to begin; None where time will not end it, or it does not wait.

    Args:
        pending: the call.
        clock: of the program.

    Raises:
        OSError: its arguments point nowhere.
    """
    process, name, args = pending.process, pending.call.name, pending.args
    duration = _duration(pending)
    if duration is None:
        return None
    if name != "futex":
        if duration <= 0:
            return None
        until_ns = clock.now() + duration
        if name == "rt_sigtimedwait":
            wait = TimedWait(pending, until_ns, signals=_signals_at(process, args[0]))
        else:
            wait = TimedWait(pending, until_ns, tuple(watched(pending)), blocked=_blocked(pending))
        return None if wait.is_over() else wait
    value = struct.pack("=I", args[2] & 0xFFFFFFFF)
    if not _ends_at_time(pending):
        duration += clock.now()
    elif ends_at_date(pending):
        duration -= clock.ahead()
    wait = TimedWait(pending, duration, (), (args[0], value))
    return None if process.memory.read(args[0], len(value)) != value else wait


def ends_at_date(pending: PendingSyscall) -> bool:
    """Return whether a call is the wait of a futex that ends at a date."""
    return _ends_at_time(pending) and bool(pending.args[1] & _FUTEX_CLOCK_REALTIME)


def _ends_at_time(pending: PendingSyscall) -> bool:
    return pending.call.name == "futex" and pending.args[1] & _FUTEX_COMMAND == _FUTEX_WAIT_BITSET


def steady_end_at(pending: PendingSyscall) -> int:
    """Return where the time stands at which a wait or a sleep ends, unless that is a date; 0 for none."""
    name, args = pending.call.name, pending.args
    if name == "clock_nanosleep":
        return args[2] if args[1] & _ABSOLUTE_TIME else 0
    return args[3] if _ends_at_time(pending) and not ends_at_date(pending) else 0


def time_out_of(pending: PendingSyscall) -> int | None:
    """Return how long the kernel lets a wait or a sleep last, in nanoseconds; None for no end, or for a date.

    Raises:
        OSError: its arguments point nowhere.
    """
    name, args = pending.call.name, pending.args
    if name not in _SLEEPS:
        duration = _duration(pending)
        ends_at_time = _ends_at_time(pending)
    else:
        duration = _time_at(pending, args[0 if name == "nanosleep" else 2])
        ends_at_time = name != "nanosleep" and bool(args[1] & _ABSOLUTE_TIME)
    if duration is None or ends_at_date(pending):
        return None
    return duration - time.monotonic_ns() if ends_at_time else duration


def _duration(pending: PendingSyscall) -> int | None:
    """Return the time-out of a call in nanoseconds; of a futex it may be a time. None for no time-out."""
    name, value = pending.call.name, pending.args[_TIME_AT[pending.call.name]]
    if name in _MILLISECONDS:
        return signed(value) * 1_000_000 if signed(value) >= 0 else None
    if not value:
        return None
    return _time_at(pending, value, 1000 if name == "select" else 1)


def _time_at(pending: PendingSyscall, address: int, unit_ns: int = 1) -> int | None:
    """Return a time in a process's memory, in nanoseconds; None for one that the kernel refuses."""
    data = pending.process.memory.read(address, _SECONDS.size)
    if len(data) != _SECONDS.size:
        return None
    seconds, rest = _SECONDS.unpack(data)
    rest *= unit_ns
    return seconds * _NS + rest if seconds >= 0 and 0 <= rest < _NS else None


def watched(pending: PendingSyscall) -> Iterator[tuple[int, int]]:
    """Yield the descriptors that a call waits for, with the events of poll(2).

    Args:
        pending: a call of these other than futex.

    Raises:
        OSError: its arguments point nowhere.
    """
    memory, name, args = pending.process.memory, pending.call.name, pending.args
    if name.startswith("epoll"):
        yield signed(args[0]), select.POLLIN
    elif name in ("poll", "ppoll"):
        data = memory.read(args[0], _POLLFD.size * min(args[1], _FDS_MAX))
        for fd, events, _ in _POLLFD.iter_unpack(data[: len(data) - len(data) % _POLLFD.size]):
            if fd >= 0:
                yield fd, events
    else:
        for argument, events in _SETS:
            bits = memory.read(args[argument], _set_size(args[0])) if args[argument] else b""
            for fd in range(min(signed(args[0]), len(bits) * _SET_BITS)):
                if bits[fd // _SET_BITS] >> fd % _SET_BITS & 1:
                    yield fd, events


def _blocked(pending: PendingSyscall) -> int | None:
    """Return the signals that are blocked during a call; None where it leaves them as they are."""
    place = _BLOCKED_AT.get(pending.call.name)
    address = pending.args[place] if place is not None else 0
    if address and pending.call.name == "pselect6":
        (address,) = _ADDRESS.unpack(pending.process.memory.read(address, _ADDRESS.size))
    return _signals_at(pending.process, address) if address else None


def _signals_at(process: Process, address: int) -> int:
    return int(_ADDRESS.unpack(process.memory.read(address, _ADDRESS.size))[0])


def _set_size(count: int) -> int:
    """Return the bytes of a set of descriptors: whole words."""
    return (min(count, _FDS_MAX) + 63) // 64 * 8


def _any_ready(process: Process, descriptors: Iterable[tuple[int, int]]) -> bool:
    """Return whether one of a process's descriptors has one of its events, or is none."""
    poll, copies = select.poll(), []
    try:
        for fd, events in descriptors:
            copies.append(copy_of(process.pidfd, fd))
            poll.register(copies[-1], events)
        return bool(copies and poll.poll(0))
    except OSError:
        return True
    finally:
        for copy in copies:
            os.close(copy)
