"""A PID namespace for the processes of a session, in which the next process id can be chosen.

So a process id that a program writes is the same in every run. The namespace's first process stays outside
of the walls: it hands out a mount of the namespace's /proc, says which id comes next, and ends the others.
A process that loses its parent becomes its child, and when it ends, the kernel ends all others. It takes
CAP_SYS_ADMIN, which an ordinary user has in a user namespace (`harness.system.user_namespace`).

To fork a process that has grown takes milliseconds. An explorer makes a namespace before it grows
(`prepare`), and one session after the other takes it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
import threading
import time
import warnings

from harness.model.errors import GateUnavailable
from harness.system.descriptors import close_all_but
from harness.system.dying import is_dying

__all__ = ["PidNamespace", "Refused", "held", "prepare", "take"]

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
#: Requests to the first process, beside a number, and its answers. With the first one and with that to
#: `_END_ALL` comes a descriptor of the next mount of /proc; without one, the answer is what was refused.
_END_ALL = b"end"
_READY = b"+"
_ANSWER_BYTES = 200
_libc = ctypes.CDLL(None, use_errno=True)
#: First processes of the namespaces that this process holds.
_held: set[int] = set()
#: Refusals that the first process of one met, and that of another one would meet.
_refusals: list[str] = []


class Refused(Exception):
    """This machine or user cannot have a PID namespace in which ids can be chosen; says why."""


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

    Attributes:
        refusal: why it cannot be entered, as far as its first process has said so.
    """

    def __init__(self, first: int, channel: socket.socket, again: bool = False) -> None:
        self.first = first
        self.refusal = ""
        self._channel = channel
        self._again = again
        self._proc = -1
        _held.add(first)

    def ready(self) -> bool:
        """Wait for the first process; return whether the namespace can be entered."""
        if self._proc < 0:
            with contextlib.suppress(OSError):
                said, descriptors, _, _ = socket.recv_fds(self._channel, _ANSWER_BYTES, 1)
                self._proc = descriptors[0] if descriptors else -1
                self.refusal = "" if descriptors else said.decode()
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

    def next_id(self, number: int) -> bool:
        """Let the process that is started next have an id, or the first one after it that is free.

        Returns:
            False where no process can be started, because the first one has ended or is about to.
        """
        try:
            self._channel.send(b"%d" % (number - 1))
            return bool(self._channel.recv(len(_READY)))
        except TimeoutError:
            # It is stopped.
            return True
        except OSError:
            return False

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
    """Make a namespace that `take` gives to one caller after the other, where this machine and user can."""
    # Where a process cannot be started now, `take` tries it again, and can say so.
    with contextlib.suppress(Refused, OSError, RuntimeError):
        _free.append(_made(again=True))


def take() -> PidNamespace:
    """Return a namespace without processes: one that was prepared, or a new one.

    It ends with this process, if not before.

    Raises:
        Refused: this machine or user cannot have one whose ids can be chosen.
        OSError: no further process is allowed.
        RuntimeError: no further thread is allowed.
    """
    while _free:
        namespace = _free.pop()
        if namespace.alive() and namespace.ready():
            return namespace
        # Another program has killed it.
        namespace.end()
    if _refusals:
        raise Refused(_refusals[0])
    made = _made()
    if made.ready():
        return made
    made.end()
    if made.refusal:
        _refusals.append(made.refusal)
    raise Refused(made.refusal or "its first process was killed")


def _made(again: bool = False) -> PidNamespace:
    """Start the first process of a new namespace.

    Raises:
        Refused: there can be none.
        OSError, RuntimeError: no further process or thread is allowed.
    """
    if sys.platform != "linux" or not os.path.exists(_LAST_ID):
        raise Refused(f"no {_LAST_ID}; the kernel needs CONFIG_CHECKPOINT_RESTORE")
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            first = _started(theirs)
        except BaseException:
            ours.close()
            raise
    ours.settimeout(_START_S)
    return PidNamespace(first, ours, again)


def _started(channel: socket.socket) -> int:
    """Return the first process, started from a thread that ends then.

    A thread that has left its namespace for what it starts finds back only if it has CAP_SYS_ADMIN where that
    namespace was made, and an ordinary user has not.
    """
    found: list[int | Exception] = []
    # The first process lives longer than this thread, and no longer than this process.
    parent = os.pidfd_open(os.getpid())

    def start() -> None:
        try:
            if _libc.unshare(_CLONE_NEWPID) != 0:
                raise Refused(f"unshare(CLONE_NEWPID): {os.strerror(ctypes.get_errno())}")
            with warnings.catch_warnings():
                # Python 3.12 warns of a fork beside other threads. The other one here waits.
                warnings.simplefilter("ignore", DeprecationWarning)
                first = os.fork()
            if not first:
                _serve(channel, parent)
            found.append(first)
        except (Refused, OSError) as error:
            found.append(error)

    try:
        thread = threading.Thread(target=start, name="pid-namespace")
        thread.start()
        thread.join()
    finally:
        os.close(parent)
    if isinstance(found[0], Exception):
        raise found[0]
    return found[0]


def _serve(channel: socket.socket, parent: int) -> None:
    """Be the first process of the namespace; does not return.

    Args:
        channel: to the process that asks.
        parent: a pidfd of that.
    """
    try:
        # The kernel reaps processes that have lost their parent.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.setsid()
        os.chdir("/")
        close_all_but({channel.fileno(), parent})
        assert os.getpid() == 1
        try:
            last_id = _own_proc()
            _hand_out_proc(channel)
        except OSError as error:
            channel.send(f"{error.filename}: {error.strerror}".encode())
            return
        waiting = select.poll()
        waiting.register(channel, select.POLLIN)
        waiting.register(parent, select.POLLIN)
        while asked := _asked(channel, parent, waiting):
            if asked == _END_ALL:
                _end_all()
                _hand_out_proc(channel)
            else:
                os.pwrite(last_id, asked, 0)
                channel.send(_READY)
    finally:
        os._exit(0)


def _asked(channel: socket.socket, parent: int, waiting: select.poll) -> bytes:
    """Return what is asked next; nothing if the other end is closed, or its process has ended."""
    over = parent in [fd for fd, _ in waiting.poll()]
    return b"" if over else channel.recv(16)


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
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mounts of its own")
    _checked(_libc.mount(b"proc", b"/proc", b"proc", _HARMLESS, None), "a mount of /proc")
    return os.open(_LAST_ID, os.O_WRONLY | os.O_CLOEXEC)


def _detached_proc() -> int:
    """Return a descriptor of a mount of the namespace's /proc, for all to read.

    Raises:
        OSError: it cannot be had.
    """
    what = "a mount of /proc"
    context = _checked(_libc.syscall(_FSOPEN, b"proc", _FSOPEN_CLOEXEC), what)
    try:
        _checked(_libc.syscall(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0), what)
        return _checked(_libc.syscall(_FSMOUNT, context, _FSMOUNT_CLOEXEC, _ATTRIBUTES), what)
    finally:
        os.close(context)


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)
    return result
