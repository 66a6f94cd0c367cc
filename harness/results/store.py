"""A run's folder under ``results/runs/``: the plan first, then witnesses and verdicts, the report last.

Each file is whole or absent, and written as soon as it is known, so that a crash
loses nothing that came before it. ``progress/`` has what it takes to go on: a file a
question, of which the store does not know what is in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import time
from collections import Counter
from collections.abc import Mapping

import msgspec

from harness.model.errors import StoreError
from harness.model.history import History, encode
from harness.results import witness
from harness.results.witness import Witness
from harness.system.bounded_read import content

__all__ = ["RunFolder", "run_id", "write_whole"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 150
_REPORT = "report.html"
_PROGRESS = "progress"
_PROGRESS_BYTES_MAX = 1 << 30


def run_id() -> str:
    """Name of a run: its time in UTC and this process."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"


def write_whole(path: str, data: bytes) -> None:
    """Write a file that is whole or not there.

    Raises:
        StoreError: it could not be written; what was there before still is.
    """
    temporary = f"{path}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise StoreError(
            f"{path}: cannot be written: {error.strerror}; free some space there or give another --out"
        ) from error


class RunFolder:
    """Writes one run's folder.

    Args:
        path: made when it is not there. Witnesses of an earlier run into the same
            folder stay until one of the same name comes; its verdicts do not.

    Raises:
        StoreError: it cannot be made.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._verdicts = b""
        self._names: Counter[str] = Counter()
        self._stems: dict[str, str] = {}
        self._lock = -1
        try:
            os.makedirs(os.path.join(path, "witnesses"), exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: cannot be made: {error.strerror}; give another --out") from error

    def plan(self, plan: Mapping[str, object]) -> None:
        """Write down what is about to be run.

        Raises:
            StoreError: it cannot be written, or another run is at work here.
        """
        self._hold()
        write_whole(self._path("plan.json"), msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
        write_whole(self._path("verdicts.jsonl"), b"")
        # They would tell of another run.
        for name in (_REPORT, *self._progress_files()):
            with contextlib.suppress(OSError):
                os.unlink(self._path(name))

    def resume(self) -> None:
        """Go on with the run that is here: its verdicts come again, each in its turn.

        Raises:
            StoreError: another process is at work on it.
        """
        self._hold()

    def _hold(self) -> None:
        """Keep others out as long as this process lives; where a file system has no locks, nobody is."""
        self.close()
        self._lock = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EWOULDBLOCK:
                raise StoreError(
                    f"{self.path}: another process is at work on the run there; "
                    "wait for it, or give another --out"
                ) from error

    def close(self) -> None:
        """Let others in; the end of the process does that as well."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def progress(self, number: int, data: bytes) -> None:
        """Store how far a question is, instead of what was stored before.

        Args:
            number: of the question in the run.
            data: what only the caller can read.

        Raises:
            StoreError: it could not be written; what was there before still is.
        """
        with contextlib.suppress(OSError):
            os.makedirs(self._path(_PROGRESS), exist_ok=True)
        write_whole(self._path(_progress_file(number)), data)

    def earlier(self, number: int) -> bytes | None:
        """What was stored last of how far a question is; None where nothing was."""
        try:
            return content(self._path(_progress_file(number)), _PROGRESS_BYTES_MAX)
        except OSError:
            return None

    def _progress_files(self) -> list[str]:
        try:
            return [os.path.join(_PROGRESS, name) for name in os.listdir(self._path(_PROGRESS))]
        except OSError:
            return []

    def verdict(self, line: str) -> None:
        """Add one summary."""
        self._verdicts += line.encode() + b"\n"
        write_whole(self._path("verdicts.jsonl"), self._verdicts)

    def witness(self, name: str, found: Witness, history: History, again: bool = False) -> str:
        """Store a witness with its history beside it.

        Args:
            name: what it is about; becomes the file's name as far as it can.
            again: whether it takes the place of the one that was stored last under that name.

        Returns:
            Path of the witness.

        Raises:
            StoreError: one of the two could not be written, and neither is there.
        """
        if not again:
            self.name_witness(name)
        stem = os.path.join("witnesses", self._stems[name])
        beside = self._path(f"{stem}.history.jsonl")
        write_whole(beside, encode(history))
        path = self._path(f"{stem}.json")
        try:
            write_whole(path, witness.encode(found))
        except StoreError:
            # The verdict needs the room more than half a witness does.
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        return path

    def name_witness(self, name: str) -> None:
        """Let a witness have its file name though it is not stored now: it was, or could not be."""
        self._stems[name] = self._file_name(name)

    def shrunk(self, name: str, found: Witness) -> str:
        """Store a shrunk witness with its history beside the original, which was stored last under that name.

        Returns:
            Its path.
        """
        stem = os.path.join("witnesses", f"{self._stems[name]}.shrunk")
        write_whole(self._path(f"{stem}.history.jsonl"), found.history.encode())
        path = self._path(f"{stem}.json")
        write_whole(path, witness.encode(found))
        return path

    def report(self, text: str) -> str:
        """Store the report for people.

        Returns:
            Its path.
        """
        path = self._path(_REPORT)
        write_whole(path, text.encode())
        return path

    def _path(self, name: str) -> str:
        return os.path.join(self.path, name)

    def _file_name(self, name: str) -> str:
        """A name that no other witness of this run has, and the same in every such run."""
        safe = _UNSAFE.sub("_", name)[-_NAME_MAX:].lstrip(".")
        if safe != name:
            safe = f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self._names[safe] += 1
        count = self._names[safe]
        return safe if count == 1 else f"{safe}-{count}"


def _progress_file(number: int) -> str:
    return os.path.join(_PROGRESS, f"{number}.msgpack")
