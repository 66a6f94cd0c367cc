"""A PID namespace for the processes of a session, in which the next process id can be chosen.

So a process id that a program writes is the same in every run. The namespace's first process stays outside
of the walls: it hands out a mount of the namespace's /proc, says which id comes next, and ends the others.
What loses its parent becomes its child, and when it ends, the kernel ends all others. Only root
(CAP_SYS_ADMIN) can have one.

To fork a process that has grown takes milliseconds. An explorer makes a namespace before it grows
(`prepare`), and one session after the other takes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time

from harness.model.errors import GateUnavailable
from harness.system.descriptors import close_all_but
from harness.system.dying import is_dying
from harness.system.parent_death import end_with_parent

__all__ = ["AVAILABLE_TO_ROOT", "PidNamespace", "held", "prepare", "take"]

#: What `doctor` says of a user that is not root.
AVAILABLE_TO_ROOT = "needs root; process ids are the machine's own and differ from run to run"

_CLONE_NEWNS, _CLONE_NEWPID = 0x20000, 0x20000000
_MS_REC, _MS_PRIVATE = 16384, 1 << 18
#: MS_NOSUID, MS_NODEV and MS_NOEXEC; the same as attributes of a mount, with that of reading only.
_HARMLESS, _ATTRIBUTES = 2 | 4 | 8, 1 | 2 | 4 | 8
#: The same on every type of machine.
_MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 429, 430, 431, 432
_FSOPEN_CLOEXEC, _FSCONFIG_CMD_CREATE, _FSMOUNT_CLOEXEC, _MOVE_MOUNT_F_EMPTY_PATH = 1, 6, 1, 4
_AT_FDCWD = -100
_LAST_ID = "/proc/sys/kernel/ns_last_pid"
_START_S = 20.0
_END_S, _PAUSE_S = 1.0, 0.001
#: What is asked of the first process, beside a number, and its answers. With the first one and with that to
#: `_END_ALL` comes a descriptor of the next mount of /proc.
_END_ALL = b"end"
_READY = b"+"
_libc = ctypes.CDLL(None, use_errno=True)
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
        again: whether it can be taken again when it is closed.
    """

    def __init__(self, first: int, channel: socket.socket, again: bool = False) -> None:
        self.first = first
        self._channel = channel
        self._again = again
        self._proc = -1
        _held.add(first)

    def ready(self) -> bool:
        """Wait for the first process; return whether the namespace can be entered."""
        if self._proc < 0:
            with contextlib.suppress(OSError):
                descriptors = socket.recv_fds(self._channel, len(_READY), 1)[1]
                self._proc = descriptors[0] if descriptors else -1
        return self._proc >= 0

    @property
    def root(self) -> str:
        """Return the path under which this process sees the files of the namespace, its /proc among them."""
        return f"/proc/{self.first}/root"

    def enter(self) -> bool:
        """Have what the calling thread starts from now on in the namespace, and see the /proc of that.

        The thread has a mount namespace of its own already; it goes on in its own PID namespace.

        Returns:
            Whether this machine and user can.

        Raises:
            GateUnavailable: the thread sees the /proc, and is kept from the namespace.
        """
        try:
            # By the /proc that this process sees.
            namespace = os.open(f"/proc/{self.first}/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            proc = (self._proc, b"", _AT_FDCWD, b"/proc", _MOVE_MOUNT_F_EMPTY_PATH)
            if _libc.syscall(_MOVE_MOUNT, *proc) != 0:
                return False
            if _libc.setns(namespace, _CLONE_NEWPID) != 0:
                raise GateUnavailable(f"setns: {os.strerror(ctypes.get_errno())}")
        finally:
            os.close(namespace)
        return True

    def next_id(self, number: int) -> None:
        """Let the process that is started next have an id, or the first one after it that is free."""
        with contextlib.suppress(OSError):
            self._channel.send(b"%d" % (number - 1))
            self._channel.recv(len(_READY))

    def alive(self) -> bool:
        """Return whether processes can be started in it: its first process is not about to end."""
        try:
            return not is_dying(f"/proc/{self.first}/stat")
        except OSError:
            return False

    def close(self) -> None:
        """End all its processes; those that are children here have to be reaped, before or soon."""
        if self in _free:
            return
        self._forget_proc()
        if self._again and self._emptied():
            _free.append(self)
        else:
            self.end()

    def end(self) -> None:
        """End all its processes; the first one is gone when those that are children here are reaped."""
        self._forget_proc()
        self._channel.close()
        if self.first in held():
            os.kill(self.first, signal.SIGKILL)
        deadline = time.monotonic() + _END_S
        while self.first in held() and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)

    def _emptied(self) -> bool:
        with contextlib.suppress(OSError):
            self._channel.send(_END_ALL)
        return self.ready()

    def _forget_proc(self) -> None:
        if self._proc >= 0:
            os.close(self._proc)
            self._proc = -1


#: Namespaces without a process, to be taken.
_free: list[PidNamespace] = []


def prepare() -> None:
    """Make a namespace that `take` gives to one caller after the other, as far as this machine and user can.

    The calling thread has to live as long as this process.
    """
    # Where a process cannot be started now, `take` tries it again, and can say so.
    with contextlib.suppress(OSError):
        namespace = _made(again=True)
        if namespace is not None:
            _free.append(namespace)


def take() -> PidNamespace | None:
    """Return a namespace without processes: one that was prepared, or a new one.

    A new one ends with the calling thread.

    Returns:
        The namespace; None where this machine or user cannot have one whose ids can be chosen.

    Raises:
        OSError: no further process is allowed.
    """
    while _free:
        namespace = _free.pop()
        if namespace.alive() and namespace.ready():
            return namespace
        # Another program has killed it.
        namespace.end()
    made = _made()
    if made is None or made.ready():
        return made
    made.end()
    return None


def _made(again: bool = False) -> PidNamespace | None:
    """Start the first process of a new namespace; return None where there can be none."""
    if sys.platform != "linux" or not os.path.exists(_LAST_ID):
        return None
    own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # The way back is tried first: this thread has to start processes of its own namespace afterwards.
        if _libc.setns(own, _CLONE_NEWPID) != 0 or _libc.unshare(_CLONE_NEWPID) != 0:
            return None
        try:
            return _started(again)
        finally:
            _libc.setns(own, _CLONE_NEWPID)
    finally:
        os.close(own)


def _started(again: bool) -> PidNamespace:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            first = os.fork()
        except OSError:
            ours.close()
            raise
        if not first:
            _serve(theirs)
    ours.settimeout(_START_S)
    return PidNamespace(first, ours, again)


def _serve(channel: socket.socket) -> None:
    """Be the first process of the namespace; does not return."""
    try:
        end_with_parent()
        # What has lost its parent is reaped by the kernel.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.setsid()
        os.chdir("/")
        close_all_but({channel.fileno()})
        assert os.getpid() == 1
        last_id = _own_proc()
        _hand_out_proc(channel)
        while asked := channel.recv(16):
            if asked == _END_ALL:
                _end_all()
                _hand_out_proc(channel)
            else:
                os.pwrite(last_id, asked, 0)
                channel.send(_READY)
    finally:
        os._exit(0)


def _hand_out_proc(channel: socket.socket) -> None:
    proc = _detached_proc()
    socket.send_fds(channel, [_READY], [proc])
    os.close(proc)


def _end_all() -> None:
    """Kill all other processes of the namespace, and wait until they are gone.

    Raises:
        TimeoutError: some are not, or their parents do not reap them.
    """
    deadline = time.monotonic() + _END_S
    while time.monotonic() < deadline:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return
        time.sleep(_PAUSE_S)
    raise TimeoutError


def _own_proc() -> int:
    """Mount a /proc of the namespace for the calling process alone.

    Returns:
        A descriptor of the file that says which id was given last.

    Raises:
        OSError: it cannot be had.
    """
    _checked(_libc.unshare(_CLONE_NEWNS))
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
    _checked(_libc.mount(b"proc", b"/proc", b"proc", _HARMLESS, None))
    return os.open(_LAST_ID, os.O_WRONLY | os.O_CLOEXEC)


def _detached_proc() -> int:
    """Return a descriptor of a mount of the namespace's /proc, for all to read.

    Raises:
        OSError: it cannot be had.
    """
    context = _checked(_libc.syscall(_FSOPEN, b"proc", _FSOPEN_CLOEXEC))
    try:
        _checked(_libc.syscall(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0))
        return _checked(_libc.syscall(_FSMOUNT, context, _FSMOUNT_CLOEXEC, _ATTRIBUTES))
    finally:
        os.close(context)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
