"""Tries whether this machine offers the kernel gate."""

from __future__ import annotations

import contextlib
import errno
import os
import signal

from harness.gates.kernel import linux_abi
from harness.gates.kernel import seccomp_filter as seccomp
from harness.model.errors import GateUnavailable, Shortage
from harness.system.descriptors import copy_of
from harness.system.machine_limits import starting

__all__ = ["probe", "probe_programs"]

#: The gate answers `stat` in the memory of a process.
_MEMORY = "/proc/self/mem"
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
    reading, writing = os.pipe()
    try:
        with starting(_CHILD):
            pid = os.fork()
    except Shortage:
        os.close(reading)
        os.close(writing)
        raise
    if pid == 0:
        try:
            seccomp.install()
        except GateUnavailable as error:
            # Only without a filter: with one, a write would wait for a supervisor.
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    try:
        message = os.read(reading, 4096)
    finally:
        os.close(reading)
        os.waitpid(pid, 0)
    return message.decode()


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
