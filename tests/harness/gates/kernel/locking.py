"""Locks by name and by flock, as words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from typing import ClassVar

from fence.errors import LockTimeoutError
from tests.harness.gates.kernel.words import Words, error_of, syscall

__all__ = ["Flocking", "MakingDirectories", "Polling", "Recording", "Replacing", "TwoLocks"]

_RENAMEAT2 = 316
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class Polling(Words):
    """The sidecar lock of `fence.locks`."""

    def take(self) -> None:
        self.lock.acquire()

    def let_go(self) -> None:
        self.lock.release()

    def take_late(self) -> str:
        """Says how long it took in milliseconds of virtual time, and whether it came to anything."""
        before = time.time_ns()
        try:
            self.lock.acquire()
        except LockTimeoutError:
            return f"none after {(time.time_ns() - before) // 1_000_000}"
        return f"had after {(time.time_ns() - before) // 1_000_000}"

    def nap_50(self) -> str:
        return self._nap(0.05)

    def nap_900(self) -> str:
        return self._nap(0.9)

    def nap_5000(self) -> str:
        return self._nap(5)

    def _nap(self, duration_s: float) -> str:
        """Says how long a sleep took because of a lock file, in milliseconds of virtual time."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))
        before = time.monotonic_ns()
        time.sleep(duration_s)
        return str((time.monotonic_ns() - before) // 1_000_000)

    def give_up(self) -> None:
        """Says after a minute that the lock is taken."""
        time.sleep(60)
        raise LockTimeoutError("a minute")

    def remove(self) -> None:
        os.unlink(self.path + ".lock")

    def remake(self) -> None:
        """A racy reclaim: another lane's lock file goes, and one of our own comes."""
        os.unlink(self.path + ".lock")
        os.close(os.open(self.path + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)


class Replacing(Polling):
    """A reclaim of libraries that look once more at the lock file that they took away."""

    def make(self) -> None:
        os.close(os.open(self.path + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    def directory(self) -> None:
        os.mkdir(self.path + ".lock")

    def prepare(self) -> None:
        os.close(os.open(self.path + ".mine", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    def exchange(self) -> None:
        """The prepared file and the lock file change places, in one call."""
        names = (os.fsencode(self.path + suffix) for suffix in (".mine", ".lock"))
        mine, lock = names
        syscall(_RENAMEAT2, _AT_FDCWD, mine, _AT_FDCWD, lock, _RENAME_EXCHANGE)

    def aside(self) -> None:
        os.rename(self.path + ".lock", self.path + ".aside")

    def back(self) -> None:
        os.rename(self.path + ".aside", self.path + ".lock")


class MakingDirectories(Words):
    """The directory lock of `fence.locks`, and its calls one by one."""

    lock_kind: ClassVar[str] = "mkdir"

    def take(self) -> None:
        self.lock.acquire()

    def let_go(self) -> None:
        self.lock.release()

    def make(self) -> str:
        return _outcome(lambda: os.mkdir(self.path + ".lock"))

    def remove(self) -> None:
        os.rmdir(self.path + ".lock")

    def make_session(self) -> str:
        return _outcome(lambda: os.mkdir(os.path.dirname(self.path)))

    def make_another(self) -> None:
        os.mkdir(self.path + ".other")

    def make_inside(self) -> str:
        return _outcome(lambda: os.mkdir(self.path + ".lock/inside"))

    def write_inside(self) -> str:
        return _outcome(lambda: os.close(os.open(self.path + ".lock/inside", os.O_WRONLY | os.O_CREAT)))

    def list_it(self) -> None:
        os.listdir(self.path + ".lock")

    def touch(self) -> None:
        os.utime(self.path + ".lock")

    def age(self) -> str:
        return f"{(time.time_ns() - os.stat(self.path + '.lock').st_mtime_ns) // 1_000_000} ms"

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except OSError as error:
        return error_of(error)
    return "done"


class Flocking(Words):
    """flock on the lock's own file, call by call."""

    lock_kind: ClassVar[str] = "flock"

    def open(self) -> None:
        self.fd = os.open(self.path + ".flock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def exclusive(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def shared(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def at_once(self) -> str:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error_of(error)
        return "had"

    def unlock(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self.fd)

    def unlink(self) -> None:
        os.unlink(self.path + ".flock")

    def links(self) -> str:
        """How many names the file has that was opened."""
        return str(os.fstat(self.fd).st_nlink)

    def duplicate(self) -> None:
        self.other = os.dup(self.fd)

    def close_other(self) -> None:
        os.close(self.other)

    def over(self) -> None:
        """Close the descriptor by putting another file in its place."""
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(null, self.fd)
        os.close(null)

    def again(self) -> None:
        """The same lane asks for the lock by another open of the file: it waits for itself."""
        fd = os.open(self.path + ".flock", os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(fd, fcntl.LOCK_EX)

    def bad(self) -> str:
        try:
            fcntl.flock(self.fd, 0)
        except OSError as error:
            return error_of(error)
        return "accepted"

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)


class TwoLocks(Flocking):
    """Another flock beside that of the lock's own file: a lane has the lock while it has both."""

    further_locks: ClassVar[tuple[tuple[str, str], ...]] = (("flock", "{directory}/.guard"),)

    def guard(self) -> None:
        path = os.path.join(os.path.dirname(self.path), ".guard")
        self.second = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.second, fcntl.LOCK_EX)

    def guard_shared(self) -> None:
        fcntl.flock(self.second, fcntl.LOCK_SH)

    def unguard(self) -> None:
        os.close(self.second)


class Recording(Words):
    """Record locks on the lock's own file, call by call."""

    lock_kind: ClassVar[str] = "record"

    def open(self) -> None:
        self.fd = os.open(self.path + ".lockf", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def at_once(self) -> str:
        return _outcome(lambda: fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB))

    def shared(self) -> str:
        return _outcome(lambda: fcntl.lockf(self.fd, fcntl.LOCK_SH | fcntl.LOCK_NB))

    def unlock(self) -> None:
        fcntl.lockf(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self.fd)

    def open_and_close(self) -> None:
        """Another descriptor of the same file."""
        os.close(os.open(self.path + ".lockf", os.O_RDONLY | os.O_CLOEXEC))

    def take(self) -> None:
        self.lock.acquire()

    def let_go(self) -> None:
        self.lock.release()

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)
