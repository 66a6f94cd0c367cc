"""Attempts of a confined process to reach something outside of its directory, one function each.

Every target is harmless, and made by the test: files beside the directory, and a process that waits.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import errno
import fcntl
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import multiprocess

from tests.harness.gates.kernel.words import syscall

__all__ = [
    "ATTEMPTS",
    "BY_CAPABILITY",
    "BY_MOUNT",
    "KEPT_OUT",
    "SILENT",
    "TRACING",
    "Place",
    "outcome_of",
    "place_of",
    "state_of",
]

_AT_FDCWD = -100
_PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None, use_errno=True)

#: Attempts that root is kept from by its capabilities, and others by not having them.
BY_CAPABILITY = {"new root", "new mount namespace", "set the host name", "mount"}
#: Attempts that a mount keeps from root; a user's own files are guarded by the supervisor alone.
BY_MOUNT = {"change the mode", "change the owner", "change the time", "set an attribute"}
#: The kernel sends no signal, and says nothing.
SILENT = {"signal when there is something to read"}
#: Attempts that some machines deny to users in any case (Yama).
TRACING = {"trace", "take a descriptor", "look at memory"}
#: How the kernel keeps a process out; EXDEV: a link or rename that would widen the rights on a file.
KEPT_OUT = {"EACCES", "EPERM", "EROFS", "EXDEV"}


class Place(NamedTuple):
    """Where the attempts are made.

    Args:
        inside: the directory of the confined process.
        outside: one beside it, with the files `victim` and `link`, a symlink to it, and `folder`.
        process: a process that waits outside.
        socket_name: an abstract socket that it listens on.
    """

    inside: str
    outside: str
    process: int
    socket_name: str

    @property
    def victim(self) -> str:
        """A file that has to stay as it is."""
        return f"{self.outside}/victim"

    @property
    def new(self) -> str:
        """A name that has to stay free."""
        return f"{self.outside}/new"


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))


def _rename(place: Place, old: str, new: str) -> None:
    with open(f"{place.inside}/own", "wb"):
        pass
    os.rename(old, new)


def _link(place: Place, old: str, new: str) -> None:
    with open(f"{place.inside}/own", "wb"):
        pass
    os.link(old, new)


def _bind(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(place.new)


def _connect(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\0" + place.socket_name)


def _device_call(place: Place) -> None:
    with open("/dev/urandom", "rb", buffering=0) as device:
        # RNDGETENTCNT, which only reads.
        fcntl.ioctl(device, 0x80045200, array.array("i", [0]))


def _own_signal(place: Place) -> None:
    reading, writing = os.pipe()
    # Every byte in the pipe would be told to the other process, by a signal that it ignores.
    fcntl.fcntl(reading, fcntl.F_SETOWN, place.process)
    fcntl.fcntl(reading, fcntl.F_SETFL, os.O_ASYNC)
    fcntl.fcntl(reading, 10, signal.SIGTERM)
    os.write(writing, b"x")


def _pidfd_getfd(place: Place) -> None:
    syscall(438, ctypes.c_int(os.pidfd_open(place.process)), ctypes.c_int(0), ctypes.c_int(0))


def _ptrace(place: Place) -> None:
    syscall(101, ctypes.c_long(0x4206), ctypes.c_long(place.process), None, None)


def _memory(place: Place) -> None:
    _open(f"/proc/{place.process}/mem", os.O_RDONLY)


def _mount(place: Place) -> None:
    if _libc.mount(place.inside.encode(), f"{place.outside}/folder".encode(), None, 4096, None) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _chroot(place: Place) -> None:
    os.chroot(place.inside)


def _unshare(place: Place) -> None:
    syscall(272, ctypes.c_int(0x20000))


def _set_host_name(place: Place) -> None:
    socket.sethostname(socket.gethostname())


#: Each raises an OSError where it is kept from what it wants; the names are those of the tests.
ATTEMPTS: dict[str, Callable[[Place], None]] = {
    "write": lambda place: _open(place.victim, os.O_WRONLY),
    "truncate by open": lambda place: _open(place.victim, os.O_RDONLY | os.O_TRUNC),
    "truncate": lambda place: os.truncate(place.victim, 1),
    "create": lambda place: _open(place.new, os.O_RDONLY | os.O_CREAT),
    "create without a name": lambda place: _open(place.outside, os.O_RDWR | os.O_TMPFILE),
    "write through a symlink": lambda place: _open(f"{place.outside}/link", os.O_WRONLY),
    "change the mode": lambda place: os.chmod(place.victim, 0o777),
    "change the owner": lambda place: os.chown(place.victim, os.getuid(), os.getgid()),
    "change the time": lambda place: os.utime(place.victim, (1, 1)),
    "set an attribute": lambda place: os.setxattr(place.victim, "user.mark", b"x"),
    "rename": lambda place: os.rename(place.victim, place.new),
    "rename in": lambda place: _rename(place, place.victim, f"{place.inside}/own"),
    "rename out": lambda place: _rename(place, f"{place.inside}/own", place.new),
    "link in": lambda place: _link(place, place.victim, f"{place.inside}/other"),
    "link out": lambda place: _link(place, f"{place.inside}/own", place.new),
    "symlink": lambda place: os.symlink("x", place.new),
    "remove": lambda place: os.unlink(place.victim),
    "make a directory": lambda place: os.mkdir(place.new),
    "remove a directory": lambda place: os.rmdir(f"{place.outside}/folder"),
    "make a pipe": lambda place: os.mkfifo(place.new),
    "bind a socket": _bind,
    "make a device inside": lambda place: os.mknod(f"{place.inside}/null", 0o20600, os.makedev(1, 3)),
    "ioctl on a device": _device_call,
    "signal": lambda place: os.kill(place.process, signal.SIGTERM),
    "signal by descriptor": lambda place: signal.pidfd_send_signal(
        os.pidfd_open(place.process), signal.SIGTERM
    ),
    "signal when there is something to read": _own_signal,
    "connect to an abstract socket": _connect,
    "trace": _ptrace,
    "take a descriptor": _pidfd_getfd,
    "look at memory": _memory,
    "mount": _mount,
    "new root": _chroot,
    "new mount namespace": _unshare,
    "set the host name": _set_host_name,
}


def outcome_of(attempt: str, place: Place) -> str:
    """Make one attempt.

    Returns:
        The symbol of the error that kept it from what it wants; ``done`` where none did.
    """
    try:
        ATTEMPTS[attempt](place)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


@contextlib.contextmanager
def place_of(user: int, watched: bool = True) -> Iterator[Place]:
    """Make a place, and see at the end that the process outside was neither killed nor stopped.

    Args:
        user: that everything there belongs to.
        watched: false where it may be.
    """
    with tempfile.TemporaryDirectory(prefix="takeover-harness-test-") as root:
        name = os.path.basename(root)
        inside, outside = Path(root, "inside"), Path(root, "outside")
        inside.mkdir()
        outside.mkdir()
        (outside / "victim").write_bytes(b"victim")
        (outside / "link").symlink_to("victim")
        (outside / "folder").mkdir()
        for path in (root, inside, outside, outside / "victim", outside / "folder"):
            os.chown(path, user, -1)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            context: Any = multiprocess.get_context("fork")
            process = context.Process(target=_wait_outside, args=(name, user, theirs))
            process.start()
            assert ours.recv(1) == b"."
            yield Place(str(inside), str(outside), process.pid, name)
            assert not watched or process.is_alive()
            process.kill()
            process.join()
            process.close()


def _wait_outside(name: str, user: int, ready: socket.socket) -> None:
    """Be the process that is not to be reached: it listens, and would die of a signal."""
    if user != os.geteuid():
        os.setgid(user)
        os.setuid(user)
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("\0" + name)
        one.listen()
        ready.send(b".")
        # Until the test is over.
        ready.recv(1)
    os._exit(0)


def state_of(outside: str) -> tuple[object, ...]:
    """Return all that there is to see outside."""
    return (
        sorted(os.listdir(outside)),
        Path(outside, "victim").read_bytes(),
        os.stat(f"{outside}/victim").st_nlink,
        os.listdir(f"{outside}/folder"),
    )
