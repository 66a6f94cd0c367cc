"""Stores the progress and the witnesses of a run while it goes on, so that a killed run can be resumed."""

from __future__ import annotations

import contextlib
import hashlib
from typing import NamedTuple

import msgspec

from harness.explore.progress_check import wrong_with
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import FormatError, StoreError
from harness.model.history_text import decode, encode
from harness.model.unreadable import UNREADABLE
from harness.oracle import COUNTED
from harness.report.html.page_data import Entry, Example
from harness.results.search_progress import Progress
from harness.results.stats import Finding, Stats
from harness.results.store import RunFolder
from harness.results.summary import Summary
from harness.results.witness import Witness

__all__ = ["Checkpoint", "Finished", "StoredWitness", "earlier", "reserve_names", "sealed", "unsealed"]


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A task that a resumed run need not search again.

    Args:
        summary: what was reported.
        entry: of the HTML page.
        text: the story of unexpected violations, for JUnit and Markdown.
    """

    summary: Summary
    entry: Entry
    text: str


class StoredWitness(NamedTuple):
    """A witness and the path of its file."""

    path: str
    witness: Witness


class _Whole(msgspec.Struct, frozen=True, array_like=True):
    """A stored file: a digest, so that no damage passes for figures, and the content."""

    digest: bytes
    content: bytes


_whole_decoder = msgspec.msgpack.Decoder(_Whole)
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Finished | Progress)


def earlier(folder: RunFolder, number: int, task: SearchTask) -> Finished | Progress | None:
    """Return what an earlier run stored of a task; None if it stored nothing.

    Args:
        folder: of the run.
        number: of the task in it.
        task: what is asked for.

    Raises:
        FormatError: the file was not written by `run`, or is not about the whole task.
    """
    data = folder.earlier(number)
    if data is None:
        return None
    try:
        found = unsealed(data)
        wrong = _wrong_with_finished(found, task) if isinstance(found, Finished) else wrong_with(found, task)
        if wrong:
            raise FormatError(wrong)
    except (*UNREADABLE, FormatError) as error:
        raise FormatError(
            f"{folder.path}: progress of question {number}: {error}; expected it as `run` wrote it; "
            "begin a new run"
        ) from error
    return found


def sealed(content: bytes) -> bytes:
    """Return the stored form of encoded progress: with a digest, so that no damage passes for figures."""
    return _encoder.encode(_Whole(_digest(content), content))


def unsealed(data: bytes) -> Finished | Progress:
    """Return what a stored file says.

    Raises:
        FormatError: its content differs from the stored content.
        Exception: one of `UNREADABLE`: it has another form.
    """
    whole = _whole_decoder.decode(data)
    if whole.digest != _digest(whole.content):
        raise FormatError("its content differs from the stored content")
    found: Finished | Progress = _decoder.decode(whole.content)
    return found


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _wrong_with_finished(finished: Finished, task: SearchTask) -> str:
    """Return why the summary is not that of the whole task; empty if it is."""
    found = finished.summary
    about = (task.scenario.name, task.fence, task.gate, task.strategy, task.seed)
    if (found.scenario, found.fence, found.gate, found.strategy, found.seed) != about:
        return f"is about {found.scenario} / {found.fence}, seed {found.seed}"
    if not task.complete(Stats(schedules=found.schedules, programs=found.programs)):
        return f"claims to be finished after {found.schedules} of {task.schedules} schedules"
    if finished.entry.summary != found or not set(COUNTED) <= set(found.verdicts):
        return "its page has other figures"
    for one in finished.entry.found:
        if one.example is not None and not _shows_a_violation(one.example):
            return f"its page has a {one.kind} of no lane"
    return ""


def _shows_a_violation(example: Example) -> bool:
    """Return whether the violation is one of the history.

    Raises:
        FormatError: the history contradicts itself.
    """
    history = decode(encode(example.history))
    lane, at = example.violation.lane, example.violation.at
    return -1 <= lane < len(history.header.lanes) and -1 <= at < len(history.events)


class Checkpoint:
    """Stores progress and witnesses of one task while it is searched.

    If there is no room for them the search goes on. Verdicts and witnesses are stored again at its
    end, and an error is reported then.

    Args:
        folder: of the run.
        number: of the task in it.
        task: that is searched.
        resumable: whether the run can be resumed.
    """

    def __init__(self, folder: RunFolder, number: int, task: SearchTask, resumable: bool) -> None:
        self._folder = folder
        self._number = number
        self._task = task
        self._resumable = resumable
        self._stored: dict[str, tuple[int, str]] = {}
        self._named: set[str] = set()

    def save(self, progress: Progress) -> None:
        """Store the progress of the search, and the witnesses that are new."""
        # Witnesses first: where there is no room for them, the verdict will need what room is left.
        with contextlib.suppress(StoreError):
            for kind, finding in sorted(progress.stats.first.items()):
                if self._stored.get(kind, (-1, ""))[0] != finding.schedule_index:
                    self.witness(kind, finding)
            if self._resumable and self._task.resumable:
                self._folder.progress(self._number, sealed(_encoder.encode(progress)))

    def witness(self, kind: str, finding: Finding) -> StoredWitness:
        """Store the first violation of a kind, unless it is stored already.

        Returns:
            The witness and its path.

        Raises:
            StoreError: it could not be written.
        """
        witness = self._task.witness(finding)
        index, path = self._stored.get(kind, (-1, ""))
        if index != finding.schedule_index:
            again = kind in self._named
            self._named.add(kind)
            path = self._folder.witness(self.name(kind), witness, finding.history, again)
            self._stored[kind] = finding.schedule_index, path
        return StoredWitness(path, witness)

    def name(self, kind: str) -> str:
        """Return the name of the witness for a kind of violation."""
        return _witness_name(self._task.scenario.name, self._task.fence, kind)

    def finish(self, result: Result, finished: Finished) -> None:
        """Store that a resumed run need not search the task again, unless its result is incomplete."""
        whole = result.complete and result.fault is None and not result.doubts
        if self._resumable and whole:
            with contextlib.suppress(StoreError):
                self._folder.progress(self._number, sealed(_encoder.encode(finished)))


def reserve_names(folder: RunFolder, summary: Summary) -> None:
    """Reserve the file names of a finished task's witnesses, so that no other witness gets them."""
    for kind in summary.violations:
        folder.name_witness(_witness_name(summary.scenario, summary.fence, kind))


def _witness_name(scenario: str, fence: str, kind: str) -> str:
    return f"{scenario}.{fence}.{kind}"
