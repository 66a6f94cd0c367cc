"""Facts about a kind of write lock that the harness needs; a `Lock` takes it."""

from __future__ import annotations

import dataclasses
import fcntl
import os
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from fence.locks.lock import Lock, Options

__all__ = ["Keeper", "LockFile", "LockKind"]

#: The thing that keeps others out: a file or a directory of the lock's name; or an flock, or a record
#: lock (fcntl), that the kernel has granted on a file that stays.
Keeper = Literal["file", "directory", "flock", "record"]
#: The byte at the end of a pattern, and the last one that the kernel knows.
_BYTE = re.compile(r"\[(\d{1,30})\]\Z")
_LAST_BYTE = (1 << 63) - 2
#: The pattern of a lock on the transcript's directory itself.
_DIRECTORY = "{directory}"


class LockFile(NamedTuple):
    """A lock that a fence declares.

    Args:
        kind: a name of `fence.locks.KINDS`.
        path: pattern of its file: ``{transcript}.lock``, ``{directory}/.lock``, ``{transcript}`` for a
            lock on the transcript itself, or ``{directory}`` for an flock on its directory; empty for the
            kind's own. ``{transcript}.guard[100]`` is a record lock on byte 100 of that file.
    """

    kind: str
    path: str = ""

    @property
    def byte(self) -> int | None:
        """Return the byte of the file that the record lock is on; None for any range."""
        found = _BYTE.search(self.path)
        return int(found[1]) if found else None

    @property
    def _file(self) -> str:
        return _BYTE.sub("", self.path)

    def fault(self) -> str:
        """Return what is wrong with the pattern; empty if nothing is."""
        if self.byte is not None and (self.kind != "record" or self.byte > _LAST_BYTE):
            return f"{self.path!r}: a byte can be named of a record lock only, up to {_LAST_BYTE}"
        if self.path == _DIRECTORY:
            return "" if self.kind == "flock" else f"{self.path!r}: a directory can have an flock only"
        name = self._file.replace("{transcript}", "t").removeprefix("{directory}/")
        if self.path and (
            name in ("", ".", "..") or "/" in name or "{" in name or not self.path.startswith("{")
        ):
            return (
                f"{self.path!r}, expected a file beside the transcript: {{transcript}}, "
                "{transcript}.lock, {directory}/.lock or the like, or {directory} for an flock on that"
            )
        return ""

    def beside(self, transcript: str) -> str:
        """Return the path that the pattern means for a transcript; empty for the kind's own."""
        directory = os.path.dirname(transcript)
        if self.path == _DIRECTORY:
            return directory or "."
        path = self._file.replace("{transcript}", transcript)
        return path.replace("{directory}/", f"{directory}/" if directory else "")


@dataclasses.dataclass(frozen=True)
class LockKind:
    """One kind of write lock.

    Args:
        name: as a fence's `lock_kind` has it.
        about: one line for ``list locks``.
        suffix: where the lock is: this is appended to the transcript's path. It has to contain ``lock``,
            by which stories and faults tell steps on the lock from others.
        keeper: what keeps others out.
        make: makes a handle from the transcript's path, options and what all handles of a process share.
        options: those that the handle reads; each begins with ``lock_``.
        left_behind: returns what the lock file of a dead process holds, given a process id that is in use
            again and the time it was made, in milliseconds since 1970; None where it names no process.
        excludes: whether it keeps other lanes out; False of the kind that stands for no lock.
    """

    name: str
    about: str
    suffix: str
    keeper: Keeper
    make: Callable[[str, Options, dict[str, Any] | None], Lock]
    options: tuple[str, ...]
    left_behind: Callable[[int, int], bytes] | None = None
    excludes: bool = True

    @property
    def kept_by_kernel(self) -> bool:
        """Return whether the kernel keeps the lock, on a file that stays where it is."""
        return self.keeper in ("flock", "record")

    @property
    def unique(self) -> bool:
        """Return whether there is one lock as long as there is one name."""
        return not self.kept_by_kernel

    def is_held(self, transcript: str, path: str = "") -> bool:
        """Return whether the lock of a transcript is held, by asking the file system or the kernel.

        Args:
            transcript: path of the transcript.
            path: of the lock; empty for the kind's own.
        """
        path = path or transcript + self.suffix
        if not self.kept_by_kernel:
            return os.path.lexists(path)
        try:
            fd = os.open(path, (os.O_RDONLY if os.path.isdir(path) else os.O_RDWR) | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        take = fcntl.flock if self.keeper == "flock" else fcntl.lockf
        try:
            take(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False
