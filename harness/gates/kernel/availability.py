"""Tries whether this machine offers the kernel gate."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import signal
import socket
from fcntl import ioctl
from typing import NoReturn

from harness.gates.kernel import linux_abi
from harness.gates.kernel import seccomp_filter as seccomp
from harness.model.errors import GateUnavailable
from harness.model.stop_reasons import IDLE, STOP_CALL, stop_arguments
from harness.system.descriptors import copy_of
from harness.system.machine_limits import starting

__all__ = ["probe", "probe_programs"]

#: The gate answers `stat` in the memory of a process.
_MEMORY = "/proc/self/mem"
#: To the child's call, and its words after that; the second ones for us to tell.
_ANSWER, _ANSWERED = 77, b"answered"
_BYPASSED = (
    b"another seccomp filter around this process answers calls before the harness does; "
    b"allow sched_yield in its profile, or give the container none (--security-opt seccomp=unconfined)"
)
_CHILD = "a process that tries the kernel gate"
_PTRACE = "allow ptrace of own processes (Yama, or CAP_SYS_PTRACE in a container)"


def probe() -> str:
    """Install the filter in a child that does nothing else.

    Returns:
        Why the gate is not available; empty when it is.

    Raises:
        Shortage: that cannot be tried, for the machine allows no further process.
    """
    why = linux_abi.supported()
    if why:
        return why
    try:
        os.close(os.open(_MEMORY, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{_MEMORY} cannot be written to: {error.strerror}; mount /proc so that it can"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with starting(_CHILD):
            pid = os.fork()
        if pid == 0:
            _try(theirs)
        theirs.close()
        try:
            return _heard(ours)
        finally:
            os.waitpid(pid, 0)


def _try(channel: socket.socket) -> NoReturn:
    """Install the filter, hand its listener over, and make a call that only a supervisor answers so."""
    try:
        listener = seccomp.install()
    except GateUnavailable as error:
        channel.send(str(error).encode())
        os._exit(1)
    # Of these calls none is trapped.
    socket.send_fds(channel, [b"ready"], [listener])
    answer = ctypes.CDLL(None).syscall(STOP_CALL, *map(ctypes.c_long, stop_arguments(IDLE, 0, 0)))
    channel.sendmsg([_ANSWERED if answer == _ANSWER else _BYPASSED])
    os._exit(0)


def _heard(channel: socket.socket) -> str:
    """Answer the call of a child that tries the gate; return what is in the way, empty for nothing."""
    message, listeners, _, _ = socket.recv_fds(channel, 4096, 1)
    if not listeners:
        return message.decode() or "the process that tried it was killed"
    (listener,) = listeners
    try:
        # A listener is ready as well when no process is left behind it.
        if channel.fileno() not in select.select([listener, channel.fileno()], [], [])[0]:
            received = ioctl(listener, linux_abi.NOTIF_RECV, bytes(linux_abi.NOTIF.size))
            trap_id = linux_abi.NOTIF.unpack(received)[0]
            ioctl(listener, linux_abi.NOTIF_SEND, linux_abi.RESPONSE.pack(trap_id, _ANSWER, 0, 0))
        heard = channel.recv(4096)
    finally:
        os.close(listener)
    if heard == _ANSWERED:
        return ""
    return heard.decode() or "the process that tried it was killed"


def probe_programs() -> str:
    """Return whether processes that a worker starts can be followed, with a child that only waits.

    Returns:
        All that is missing, with the remedies; empty when nothing is.

    Raises:
        Shortage: that cannot be tried, for the machine allows no further process.
    """
    with starting(_CHILD):
        pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    try:
        return "; ".join(_missing_for(pid))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _missing_for(pid: int) -> list[str]:
    """Return what cannot be had of a child."""
    task = f"/proc/{pid}/task/{pid}"
    needed = (
        (
            f"/proc/{pid}/mem",
            os.O_RDWR,
            _PTRACE,
        ),
        (
            f"{task}/syscall",
            os.O_RDONLY,
            _PTRACE,
        ),
        (f"{task}/schedstat", os.O_RDONLY, "the kernel needs CONFIG_SCHED_INFO"),
        (f"{task}/children", os.O_RDONLY, "the kernel needs CONFIG_PROC_CHILDREN"),
    )
    missing = []
    for path, mode, remedy in needed:
        try:
            fd = os.open(path, mode | os.O_CLOEXEC)
            try:
                os.pread(fd, 64, 0 if not path.endswith("/mem") else _mapped(pid))
            finally:
                os.close(fd)
        except OSError as error:
            missing.append(f"{path.rsplit('/', 1)[1]} of a child: {error.strerror}; {remedy}")
    pidfd = os.pidfd_open(pid)
    try:
        os.close(copy_of(pidfd, 0))
    except OSError as error:
        if error.errno == errno.EPERM:
            missing.append(
                "pidfd_getfd: not allowed; programs that take an flock cannot be followed, "
                "allow CAP_SYS_PTRACE in a container"
            )
    finally:
        os.close(pidfd)
    return missing


def _mapped(pid: int) -> int:
    """Return an address that a process can read."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        return int(next(maps).split("-")[0], 16)
    return 0
