"""Locks that a lane asks for again and again, as words: each way of asking, with calls between or without."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from typing import ClassVar

from tests.harness.gates.kernel.words import Words

__all__ = ["Asking"]

_FEW, _MANY = 20, 900


class Asking(Words):
    """Asks for an flock, a record lock, a file, a directory, a link; the last part of a word is how often."""

    lock_kind: ClassVar[str] = "flock"

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}"

    def open(self) -> None:
        self.fd = os.open(self._path("flock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.other = os.open(self._path("other"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.mine = self._path(f"mine-{self.site.lane}")
        os.close(os.open(self.mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    # Ways of asking

    def flock(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def flock_other(self) -> None:
        fcntl.flock(self.other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def flock_opened(self) -> None:
        """Open and close the file at each attempt, and empty it, as filelock does."""
        fd = os.open(self._path("flock"), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise

    def record(self) -> None:
        fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def file(self) -> None:
        os.close(os.open(self._path("file"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC))

    def directory(self) -> None:
        os.mkdir(self._path("directory"))

    def link(self) -> None:
        os.link(self.mine, self._path("link"))

    def symlink(self) -> None:
        os.symlink("nowhere", self._path("symlink"))

    # Letting go

    def go_flock(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def go_record(self) -> None:
        fcntl.lockf(self.fd, fcntl.LOCK_UN)

    def go_file(self) -> None:
        os.unlink(self._path("file"))

    def go_directory(self) -> None:
        os.rmdir(self._path("directory"))

    def go_link(self) -> None:
        os.unlink(self._path("link"))

    def go_symlink(self) -> None:
        os.unlink(self._path("symlink"))

    # Loops

    def turn(self) -> str:
        """Open the lock, ask for it until it is there, write a line, and let it go."""
        self.fd = os.open(self._path("flock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        said = self._loop(self.flock, self.between_nothing, 0)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.write(fd, self.site.lane.encode() + b"\n")
        self.go_flock()
        return said

    def __getattr__(self, word: str) -> Callable[[], str]:
        ask, between, tries = word.split("__")
        most = {"few": _FEW, "many": _MANY, "ever": 0}[tries]
        return lambda: self._loop(getattr(self, ask), getattr(self, f"between_{between}"), most)

    def _loop(self, ask: Callable[[], None], between: Callable[[], None], most: int) -> str:
        tried = 0
        while not most or tried < most:
            tried += 1
            with contextlib.suppress(OSError):
                ask()
                return f"had after {tried}"
            between()
        return f"gave up after {tried}"

    def between_nothing(self) -> None:
        pass

    def between_look(self) -> None:
        """Change nothing: a stat, a read, another open of the lock's file and its close."""
        os.path.exists(self._path("flock"))
        with open(self.path, encoding="utf-8") as file:
            file.read()

    def between_sleep(self) -> None:
        time.sleep(0.05)

    def between_write(self) -> None:
        with open(self._path("log"), "a", encoding="utf-8") as file:
            file.write("x")
