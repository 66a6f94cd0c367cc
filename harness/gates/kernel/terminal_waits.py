"""Waits of a process for its terminal, in any call."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import stat
import struct
import termios
from collections.abc import Iterator

from harness.gates.kernel.lane import TraceeProcess
from harness.gates.kernel.path_resolution import signed
from harness.gates.kernel.process import PendingSyscall
from harness.gates.kernel.quiescence import tasks_of
from harness.gates.kernel.syscall_table import CALLS, TIMED
from harness.gates.kernel.timed_waits import TimedWait, watched

__all__ = ["read_wait", "waits_for"]

#: /dev/tty, which is the terminal that controls the process.
_OWN_TERMINAL = os.makedev(5, 0)
_READS = ("read", "readv")
_EPOLL = "anon_inode:[eventpoll]"
_FUTEX = "futex"
#: struct termios of the kernel: four words of flags, the line discipline, and 19 characters.
_TERMIOS = struct.Struct("=4IB19s")
_TENTH_NS = 100_000_000


def waits_for(process: TraceeProcess, slave: int) -> bool:
    """Return whether a process, all of whose threads are at rest, waits for input of a terminal.

    Args:
        process: which.
        slave: a descriptor of the terminal.
    """
    place = _place(os.fstat(slave))
    return any(
        events & select.POLLIN and _is_at(process.pid, fd, place) for fd, events in _waited_for(process)
    )


def read_wait(pending: PendingSyscall, slave: int, now_ns: int) -> TimedWait | None:
    """Return the wait of a read that ends after a time even without a byte; None for any other read.

    Args:
        pending: a read outside the session directory.
        slave: a descriptor of the terminal of its lane.
        now_ns: what the program's clock shows.
    """
    process, fd = pending.process, signed(pending.args[0])
    if not _is_at(process.pid, fd, _place(os.fstat(slave))):
        return None
    _, _, _, flags, _, characters = _TERMIOS.unpack(fcntl.ioctl(slave, termios.TCGETS, bytes(_TERMIOS.size)))
    tenths = characters[termios.VTIME]
    if flags & termios.ICANON or characters[termios.VMIN] or not tenths:
        return None
    wait = TimedWait(pending, now_ns + tenths * _TENTH_NS, ((fd, select.POLLIN),))
    return None if wait.is_over() else wait


def _waited_for(process: TraceeProcess) -> Iterator[tuple[int, int]]:
    """Yield the descriptors that the threads of a process wait for, with the events of poll(2)."""
    for wait in process.program.waits.values():
        yield from wait.watched
    stopped = process.stopped()
    for tid in tasks_of(process.pid):
        pending = _call_of(process, tid) if tid not in stopped else None
        if pending is None:
            continue
        if pending.call.name in _READS:
            yield signed(pending.args[0]), select.POLLIN
        else:
            with contextlib.suppress(OSError):
                yield from watched(pending)


def _call_of(process: TraceeProcess, tid: int) -> PendingSyscall | None:
    """Return the call in which a thread sleeps, if it is one that may wait for a terminal."""
    with contextlib.suppress(OSError), open(f"/proc/{process.pid}/task/{tid}/syscall", "rb") as file:
        fields = file.read().split()
        call = CALLS.get(int(fields[0])) if fields and fields[0].isdigit() else None
        if call is not None and call.name != _FUTEX and (call.name in TIMED or call.name in _READS):
            return PendingSyscall(0, call, [int(field, 16) for field in fields[1:7]], process, tid)
    return None


def _is_at(pid: int, fd: int, place: tuple[int, int]) -> bool:
    """Return whether a descriptor is the terminal at a place, or waits for it."""
    with contextlib.suppress(OSError):
        status = os.stat(f"/proc/{pid}/fd/{fd}")
        if stat.S_ISCHR(status.st_mode):
            return status.st_rdev == _OWN_TERMINAL or _place(status) == place
        if os.readlink(f"/proc/{pid}/fd/{fd}") == _EPOLL:
            return any(_is_at(pid, one, place) for one in _registered(pid, fd))
    return False


def _registered(pid: int, fd: int) -> Iterator[int]:
    """Yield the descriptors whose input an epoll descriptor waits for."""
    with open(f"/proc/{pid}/fdinfo/{fd}", "rb") as facts:
        for line in facts:
            fields = line.split()
            if fields and fields[0] == b"tfd:" and int(fields[3], 16) & select.EPOLLIN:
                yield int(fields[1])


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
