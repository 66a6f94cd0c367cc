"""Stores the progress and the witnesses of a run while it goes on, so that a killed run can be resumed."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from harness.cli.known_witnesses import KnownWitness
from harness.explore.progress_check import wrong_with
from harness.explore.search_task import Result, SearchTask
from harness.explore.shard import ShardTask
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

__all__ = [
    "Checkpoint",
    "Finished",
    "Part",
    "StoredWitness",
    "earlier",
    "reserve_names",
    "sealed",
    "stored",
    "unsealed",
]


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


class Part(msgspec.Struct, frozen=True, tag="part"):
    """The part of one question that a shard has run, once it is over.

    Args:
        question: its number in the run, from 0.
        first, stop: the schedules that the shard was to run of it.
        progress: the statistics, and what a time limit left.
        finished: as a run that is resumed needs it.
        doubts: errors that belong to no schedule.
        stopped: why not all of them were run; empty when they were.
        explorers: how many worked on it.
        machine: its name.
        known: what the kept witnesses show, in the shard that has the question's first schedule.
    """

    question: int
    first: int
    stop: int
    progress: Progress
    finished: Finished
    doubts: list[str]
    stopped: str
    explorers: int
    machine: str
    known: tuple[KnownWitness, ...] = ()

    @property
    def over(self) -> bool:
        """Whether a resumed shard has nothing left to run of it."""
        return not self.progress.left


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
_decoder = msgspec.msgpack.Decoder(Finished | Progress | Part)


def earlier(folder: RunFolder, number: int, task: SearchTask) -> Finished | Progress | None:
    """Return what an earlier run stored of a task; None if it stored nothing.

    Args:
        folder: of the run.
        number: of the task in it.
        task: what is asked for.

    Raises:
        FormatError: the file was not written by `run`, or is not about the whole task.
    """
    found = stored(folder.path, number, folder.earlier(number), task)
    if isinstance(found, Part):
        return found.finished if found.over else found.progress
    return found


def stored(
    folder: str, number: int, data: bytes | None, task: SearchTask
) -> Finished | Progress | Part | None:
    """Return what a run or a shard stored of a task; None if it stored nothing.

    Args:
        folder: of the run, for messages.
        number: of the task in it.
        data: content of the file.
        task: what is asked for.

    Raises:
        FormatError: the content is not what `run` wrote, or is not about the whole task.
    """
    if data is None:
        return None
    try:
        found = unsealed(data)
        wrong = _wrong_with(found, task)
        if wrong:
            raise FormatError(wrong)
    except (*UNREADABLE, FormatError) as error:
        raise FormatError(
            f"{folder}: progress of question {number}: {error}; expected it as `run` wrote it; "
            "begin a new run"
        ) from error
    return found


def _wrong_with(found: Finished | Progress | Part, task: SearchTask) -> str:
    if isinstance(found, Progress):
        return wrong_with(found, task)
    if isinstance(found, Finished):
        return "is of a whole run" if isinstance(task, ShardTask) else _wrong_with_finished(found, task)
    if not isinstance(task, ShardTask):
        return "is of a shard"
    if (found.question, found.first, found.stop) != (task.question, task.first, task.stop):
        return f"is about schedules {found.first} to {found.stop} of question {found.question}"
    return wrong_with(found.progress, task) or _wrong_with_page(found.finished, task)


def sealed(content: bytes) -> bytes:
    """Return the stored form of encoded progress: with a digest, so that no damage passes for figures."""
    return _encoder.encode(_Whole(_digest(content), content))


def unsealed(data: bytes) -> Finished | Progress | Part:
    """Return what a stored file says.

    Raises:
        FormatError: its content differs from the stored content.
        Exception: one of `UNREADABLE`: it has another form.
    """
    whole = _whole_decoder.decode(data)
    if whole.digest != _digest(whole.content):
        raise FormatError("its content differs from the stored content")
    found: Finished | Progress | Part = _decoder.decode(whole.content)
    return found


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _wrong_with_finished(finished: Finished, task: SearchTask) -> str:
    """Return why the summary is not that of the whole task; empty if it is."""
    found = finished.summary
    if not task.complete(Stats(schedules=found.schedules, programs=found.programs)):
        return f"claims to be finished after {found.schedules} of {task.schedules} schedules"
    return _wrong_with_page(finished, task)


def _wrong_with_page(finished: Finished, task: SearchTask) -> str:
    """Return why a summary and its page are not about the task; empty if they are."""
    found = finished.summary
    about = (task.scenario.name, task.fence, task.gate, task.strategy, task.seed)
    if (found.scenario, found.fence, found.gate, found.strategy, found.seed) != about:
        return f"is about {found.scenario} / {found.fence}, seed {found.seed}"
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

    def finish(self, result: Result, finished: Finished, known: Sequence[KnownWitness] = ()) -> None:
        """Store that a resumed run need not search the task again, unless its result is incomplete.

        Of a shard it stores what `merge` needs, also where a time limit or an error left something.
        """
        task, whole = self._task, result.complete and not result.doubts
        if not self._resumable or result.fault is not None:
            return
        if not isinstance(task, ShardTask):
            if whole:
                with contextlib.suppress(StoreError):
                    self._folder.progress(self._number, sealed(_encoder.encode(finished)))
            return
        if result.progress is None:
            return
        # The statistics are all there is of a shard: an error has to be seen.
        part = Part(
            task.question,
            task.first,
            task.stop,
            result.progress,
            finished,
            result.doubts,
            result.stopped,
            result.explorers,
            os.uname().nodename,
            tuple(known),
        )
        self._folder.progress(self._number, sealed(_encoder.encode(part)))


def reserve_names(folder: RunFolder, summary: Summary) -> None:
    """Reserve the file names of a finished task's witnesses, so that no other witness gets them."""
    for kind in summary.violations:
        folder.name_witness(_witness_name(summary.scenario, summary.fence, kind))


def _witness_name(scenario: str, fence: str, kind: str) -> str:
    return f"{scenario}.{fence}.{kind}"
