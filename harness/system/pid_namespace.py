"""A PID namespace for the processes of a session, in which the next process id can be chosen.

So a process id that a program writes is the same in every run. The namespace's first process stays outside
of the walls and does nothing but say which id comes next; what loses its parent becomes its child, and
when it ends, the kernel ends all others. Only root (CAP_SYS_ADMIN) can have one.

The thread that enters goes on in its own namespace; what it starts is in the new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time

from harness.system.descriptors import close_all_but
from harness.system.reap import end_with_parent

__all__ = ["AVAILABLE_TO_ROOT", "PidNamespace", "enter", "held"]

#: What `doctor` says of a user that is not root.
AVAILABLE_TO_ROOT = "needs root; process ids are the machine's own and differ from run to run"

_CLONE_NEWNS, _CLONE_NEWPID = 0x20000, 0x20000000
#: MS_RDONLY; MS_NOSUID, MS_NODEV and MS_NOEXEC.
_READ_ONLY, _HARMLESS = 1, 2 | 4 | 8
_LAST_ID = "/proc/sys/kernel/ns_last_pid"
_START_S = 20.0
_END_S, _PAUSE_S = 1.0, 0.001
#: Field of /proc/PID/stat behind the name, and PF_EXITING.
_FLAGS_FIELD, _EXITING = 6, 0x4
_READY, _REFUSED = b"+", b"-"
#: First processes of the namespaces that this process holds.
_held: set[int] = set()


def held() -> frozenset[int]:
    """Return the first processes of the namespaces that are held here, and reap those that have ended."""
    for first in list(_held):
        try:
            if os.waitpid(first, os.WNOHANG)[0]:
                _held.discard(first)
        except ChildProcessError:
            _held.discard(first)
    return frozenset(_held)


class PidNamespace:
    """A namespace that this process holds.

    Args:
        first: process id of its first process, as this process sees it.
        channel: to it.
    """

    def __init__(self, first: int, channel: socket.socket) -> None:
        self.first = first
        self._channel = channel
        _held.add(first)

    @property
    def root(self) -> str:
        """Return the path under which this process sees the files of the namespace, its /proc among them."""
        return f"/proc/{self.first}/root"

    def next_id(self, number: int) -> None:
        """Let the process that is started next have an id, or the first one after it that is free."""
        with contextlib.suppress(OSError):
            self._channel.send(b"%d" % (number - 1))
            self._channel.recv(1)

    def alive(self) -> bool:
        """Return whether processes can be started in it: its first process is not about to end."""
        try:
            with open(f"/proc/{self.first}/stat", "rb") as file:
                flags = int(file.read().rpartition(b")")[2].split()[_FLAGS_FIELD])
        except OSError:
            return False
        return not flags & _EXITING

    def close(self) -> None:
        """End all its processes; the first one is gone when those that are children here are reaped."""
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        deadline = time.monotonic() + _END_S
        while self.first in held() and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)


def enter() -> PidNamespace | None:
    """Have what the calling thread starts from now on in a new namespace.

    The thread has a mount namespace of its own already, and all signals are blocked in it.

    Returns:
        The namespace; None where this machine or user cannot have one whose ids can be chosen.
    """
    if sys.platform != "linux" or not os.path.exists(_LAST_ID):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWPID) != 0:
        return None
    ours, theirs = socket.socketpair()
    first = os.fork()
    if not first:
        _serve(libc, theirs)
    theirs.close()
    ours.settimeout(_START_S)
    namespace = PidNamespace(first, ours)
    with contextlib.suppress(OSError):
        if ours.recv(1) == _READY:
            return namespace
    namespace.close()
    return None


def _serve(libc: ctypes.CDLL, channel: socket.socket) -> None:
    """Be the first process of the namespace; does not return."""
    try:
        end_with_parent()
        # What has lost its parent is reaped by the kernel.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.setsid()
        os.chdir("/")
        close_all_but({channel.fileno()})
        last_id = _mount(libc)
        channel.send(_REFUSED if last_id < 0 else _READY)
        while last_id >= 0 and (number := channel.recv(16)):
            os.pwrite(last_id, number, 0)
            channel.send(_READY)
    finally:
        os._exit(0)


def _mount(libc: ctypes.CDLL) -> int:
    """Mount a /proc of the namespace, for all to read.

    Returns:
        A descriptor of the file that says which id was given last; -1 where that cannot be had.
    """
    proc = (b"proc", b"/proc", b"proc")
    if libc.mount(*proc, _READ_ONLY | _HARMLESS, None) != 0:
        return -1
    # Its own, to write to.
    if libc.unshare(_CLONE_NEWNS) != 0 or libc.mount(*proc, _HARMLESS, None) != 0:
        return -1
    try:
        return os.open(_LAST_ID, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return -1
