"""Waits of programs that end by an event or by time: poll, select, epoll and futex with a time-out.

In virtual time such a thread is stopped before its call. It goes on as soon as what it waits for is there,
and the kernel then ends the call at once; or when virtual time comes to its time-out, and then the call is
answered as the kernel would. Timers that send a signal (alarm, setitimer, timer_create) and timerfd run
in real time.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import struct
from collections.abc import Iterable, Iterator

import msgspec

from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall, Process
from harness.gates.kernel.program_clock import ProgramClock

__all__ = ["TimedWait", "wait_of"]

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
}
_MILLISECONDS = frozenset({"poll", "epoll_wait", "epoll_pwait"})
_SECONDS = struct.Struct("=2q")
_NS = 1_000_000_000
_PIDFD_GETFD = 438
_FUTEX_COMMAND, _FUTEX_WAIT_BITSET, _FUTEX_CLOCK_REALTIME = 0x7F, 9, 0x100
_POLLFD = struct.Struct("=ihh")
#: Descriptors of a select, and the events that its three sets stand for.
_SET_BITS = 8
_READABLE, _WRITABLE = select.POLLIN | select.POLLHUP | select.POLLERR, select.POLLOUT | select.POLLERR
_SETS = ((1, _READABLE), (2, _WRITABLE), (3, select.POLLPRI))
_FDS_MAX = 4096

_libc = ctypes.CDLL(None, use_errno=True)


class TimedWait(msgspec.Struct, frozen=True):
    """A wait with a time-out.

    Args:
        pending: the call.
        until_ns: virtual time at which it ends if nothing comes.
        watched: descriptors of the process and the events of poll(2) that are waited for.
        word: address and value of a futex; None for a wait for descriptors.
    """

    pending: PendingSyscall
    until_ns: int
    watched: tuple[tuple[int, int], ...] = ()
    word: tuple[int, bytes] | None = None

    def is_over(self) -> bool:
        """Return whether what is waited for is there, or a signal that the process handles."""
        process = self.pending.process
        if self.word is not None:
            address, value = self.word
            if process.memory.read(address, len(value)) != value:
                return True
        elif _any_ready(process, self.watched):
            return True
        return _signalled(self.pending.tid)

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
        return 0, -errno.ETIMEDOUT if name == "futex" else 0


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
        wait = TimedWait(pending, clock.now() + duration, tuple(_watched(pending)))
        return None if wait.is_over() else wait
    value = struct.pack("=I", args[2] & 0xFFFFFFFF)
    if args[1] & _FUTEX_COMMAND != _FUTEX_WAIT_BITSET:
        duration += clock.now()
    elif args[1] & _FUTEX_CLOCK_REALTIME:
        duration -= clock.ahead()
    wait = TimedWait(pending, duration, (), (args[0], value))
    return None if process.memory.read(args[0], len(value)) != value else wait


def _duration(pending: PendingSyscall) -> int | None:
    """Return the time-out of a call in nanoseconds; of a futex it may be a time. None for no time-out."""
    name, value = pending.call.name, pending.args[_TIME_AT[pending.call.name]]
    if name in _MILLISECONDS:
        return signed(value) * 1_000_000 if signed(value) >= 0 else None
    if not value:
        return None
    data = pending.process.memory.read(value, _SECONDS.size)
    if len(data) != _SECONDS.size:
        return None
    seconds, rest = _SECONDS.unpack(data)
    rest *= 1000 if name == "select" else 1
    # The kernel refuses others.
    return seconds * _NS + rest if seconds >= 0 and 0 <= rest < _NS else None


def _watched(pending: PendingSyscall) -> Iterator[tuple[int, int]]:
    """Yield what a call waits for."""
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


def _set_size(count: int) -> int:
    """Return the bytes of a set of descriptors: whole words."""
    return (min(count, _FDS_MAX) + 63) // 64 * 8


def _any_ready(process: Process, watched: Iterable[tuple[int, int]]) -> bool:
    """Return whether one of a process's descriptors has one of its events, or is none."""
    poll, copies = select.poll(), []
    try:
        for fd, events in watched:
            copy = _libc.syscall(_PIDFD_GETFD, process.pidfd, fd, 0)
            if copy < 0:
                return True
            copies.append(copy)
            poll.register(copy, events)
        return bool(copies and poll.poll(0))
    finally:
        for copy in copies:
            os.close(copy)


def _signalled(tid: int) -> bool:
    """Return whether a signal waits that the thread catches and does not block."""
    found = {}
    with contextlib.suppress(OSError), open(f"/proc/{tid}/status", "rb") as status:
        for line in status:
            name, _, value = line.partition(b":")
            if name in (b"SigPnd", b"ShdPnd", b"SigBlk", b"SigCgt"):
                found[name] = int(value, 16)
    pending = found.get(b"SigPnd", 0) | found.get(b"ShdPnd", 0)
    return bool(pending & ~found.get(b"SigBlk", 0) & found.get(b"SigCgt", 0))
