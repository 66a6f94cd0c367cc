"""Locks by name and by flock, as words."""

from __future__ import annotations

import fcntl
import os
import time
from typing import ClassVar

from fence.errors import LockTimeoutError
from tests.harness.gates.kernel.words import Words, error_of

__all__ = ["Flocking", "Polling"]


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

    def remove(self) -> None:
        os.unlink(self.path + ".lock")

    def remake(self) -> None:
        """What a racy reclaim does: somebody else's lock file goes, and one of our own comes."""
        os.unlink(self.path + ".lock")
        os.close(os.open(self.path + ".lock", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    def write(self) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, b"x\n")
        os.close(fd)


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
