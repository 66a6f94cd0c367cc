"""A run's folder under ``results/runs/``: the plan first, then witnesses and verdicts, the report last.

Each file is whole or absent, and written as soon as its content is known, so that a crash
loses nothing that came before it. ``progress/`` holds one file for each task, from which a
run is resumed; its content is opaque to the store.
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
from harness.model.history import History
from harness.model.history_text import encode
from harness.results import witness
from harness.results.witness import Witness
from harness.system.bounded_read import content
from harness.system.output_file import is_temporary, write_whole

__all__ = ["RunFolder", "run_id", "stored_progress"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_MAX = 150
_REPORT = "report.html"
_PROGRESS = "progress"
_PROGRESS_FILE = re.compile(r"[0-9]+\.msgpack")
_PLAN, _VERDICTS = "plan.json", "verdicts.jsonl"
_PROGRESS_BYTES_MAX = 1 << 25


def run_id() -> str:
    """Return the name of a run: its time in UTC and the process id."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"


class RunFolder:
    """Writes one run's folder.

    Args:
        path: made if it does not exist.

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

    def plan(self, plan: Mapping[str, object], force: bool = False) -> None:
        """Store the plan of the run.

        Args:
            plan: what is asked for.
            force: whether it may take the place of an earlier run. Witnesses of that one stay until one
                of the same name is stored; its verdicts, progress and report do not stay.

        Raises:
            StoreError: it cannot be written, another run uses the folder, or one has used it.
        """
        self._lock_folder()
        if not force and self._holds_results():
            self.close()
            raise StoreError(
                f"{self.path}: holds a run already; give another --out, "
                "--force to put this run in its place, or go on with it (run --resume)"
            )
        write_whole(self._path(_PLAN), msgspec.json.format(msgspec.json.encode(plan), indent=1) + b"\n")
        write_whole(self._path(_VERDICTS), b"")
        # They are of another run.
        for name in (_REPORT, *self._progress_files()):
            with contextlib.suppress(OSError):
                os.unlink(self._path(name))

    def _holds_results(self) -> bool:
        """Return whether another run would take something away: a plan alone is no loss."""
        with contextlib.suppress(OSError):
            if os.path.getsize(self._path(_VERDICTS)):
                return True
        kept = os.listdir(self._path("witnesses")) or self._progress_files()
        return bool(kept) or os.path.lexists(self._path(_REPORT))

    def resume(self) -> None:
        """Resume the run of this folder; its verdicts have to be added again, each in its turn.

        Raises:
            StoreError: another run uses the folder.
        """
        self._lock_folder()

    def _lock_folder(self) -> None:
        """Lock the folder until this process ends; on a file system without locks it stays unlocked."""
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
        self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        """Remove the files that a killed process was writing."""
        for folder in (".", "witnesses", _PROGRESS):
            with contextlib.suppress(OSError):
                for name in os.listdir(self._path(folder)):
                    if is_temporary(name):
                        os.unlink(os.path.join(self.path, folder, name))

    def close(self) -> None:
        """Unlock the folder; the end of the process does so as well."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def progress(self, number: int, data: bytes) -> None:
        """Store the progress of a task in place of the earlier one.

        Args:
            number: of the task in the run.
            data: in a format of the caller.

        Raises:
            StoreError: it could not be written; the earlier progress is unchanged.
        """
        with contextlib.suppress(OSError):
            os.makedirs(self._path(_PROGRESS), exist_ok=True)
        write_whole(self._path(_progress_file(number)), data)

    def earlier(self, number: int) -> bytes | None:
        """Return the progress of a task that was stored last; None where none was."""
        return stored_progress(self.path, number)

    def _progress_files(self) -> list[str]:
        try:
            names = os.listdir(self._path(_PROGRESS))
        except OSError:
            return []
        return [os.path.join(_PROGRESS, name) for name in names if _PROGRESS_FILE.fullmatch(name)]

    def verdict(self, line: str) -> None:
        """Add one summary."""
        self._verdicts += line.encode() + b"\n"
        write_whole(self._path(_VERDICTS), self._verdicts)

    def witness(self, name: str, found: Witness, history: History, again: bool = False) -> str:
        """Store a witness with its history beside it.

        Args:
            name: becomes the file's name, with unsafe characters replaced.
            again: whether it replaces the one that was stored last under that name.

        Returns:
            Path of the witness.

        Raises:
            StoreError: one of the two could not be written; then neither is stored.
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
            # The verdict needs the room more than an incomplete witness.
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
        return path

    def name_witness(self, name: str) -> None:
        """Reserve the file name of a witness that is not stored now."""
        self._stems[name] = self._file_name(name)

    def shrunk(self, name: str, found: Witness) -> str:
        """Store a shrunk witness with its history, beside the original that was stored last under that name.

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
        """Return a file name that no other witness of this run has, and that each such run gives."""
        safe = _UNSAFE.sub("_", name)[-_NAME_MAX:].lstrip(".")
        if safe != name:
            safe = f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self._names[safe] += 1
        count = self._names[safe]
        return safe if count == 1 else f"{safe}-{count}"


def stored_progress(folder: str, number: int) -> bytes | None:
    """Return the progress of a task in a run's folder; None where none is stored.

    Args:
        folder: of the run; nothing is made or locked there.
        number: of the task in the run.
    """
    try:
        return content(os.path.join(folder, _progress_file(number)), _PROGRESS_BYTES_MAX)
    except OSError:
        return None


def _progress_file(number: int) -> str:
    return os.path.join(_PROGRESS, f"{number}.msgpack")
