"""What of a run is on disk before it ends, so that who is killed loses nothing and can go on."""

from __future__ import annotations

import contextlib

import msgspec

from harness.explore.search_task import Result, SearchTask
from harness.model.errors import FormatError, StoreError
from harness.report.html.page_data import Entry
from harness.results.search_progress import Progress
from harness.results.stats import Finding
from harness.results.store import RunFolder
from harness.results.summary import Summary
from harness.results.witness import Witness

__all__ = ["Finished", "Keeper", "earlier", "name_witnesses"]


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A question that need not be asked again.

    Args:
        summary: what is said of it.
        entry: what the page tells of it.
        text: what other reports tell of it.
    """

    summary: Summary
    entry: Entry
    text: str


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Finished | Progress)


def earlier(folder: RunFolder, number: int) -> Finished | Progress | None:
    """What is known of a question from before; None where nothing is.

    Args:
        folder: of the run.
        number: of the question in it.

    Raises:
        FormatError: somebody else wrote it.
    """
    data = folder.earlier(number)
    try:
        return None if data is None else _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise FormatError(
            f"{folder.path}: progress of question {number}: {error}; expected it as `run` wrote it"
        ) from error


class Keeper:
    """Stores progress and witnesses of one question while it is worked on.

    Where there is no room for that the run goes on: at its end verdicts and witnesses are
    stored anyway, and what cannot be is said then.

    Args:
        folder: of the run.
        number: of the question in it.
        question: that is asked.
        resumable: whether somebody may want to go on.
    """

    def __init__(self, folder: RunFolder, number: int, question: SearchTask, resumable: bool) -> None:
        self._folder = folder
        self._number = number
        self._question = question
        self._resumable = resumable
        self._stored: dict[str, tuple[int, str]] = {}
        self._named: set[str] = set()

    def save(self, progress: Progress) -> None:
        """Store how far the question is, and the witnesses that are new."""
        # Witnesses first: where there is no room for them, a verdict will need what there is.
        with contextlib.suppress(StoreError):
            for kind, finding in sorted(progress.tally.first.items()):
                if self._stored.get(kind, (-1, ""))[0] != finding.schedule_index:
                    self.witness(kind, finding)
            if self._resumable and self._question.resumable:
                self._folder.progress(self._number, _encoder.encode(progress))

    def witness(self, kind: str, finding: Finding) -> tuple[str, Witness]:
        """Store the first violation of a kind, unless it is there.

        Returns:
            Its path, and what is there.

        Raises:
            StoreError: it could not be written.
        """
        witness = self._question.witness(finding)
        index, path = self._stored.get(kind, (-1, ""))
        if index != finding.schedule_index:
            again = kind in self._named
            self._named.add(kind)
            path = self._folder.witness(self.name(kind), witness, finding.history, again)
            self._stored[kind] = finding.schedule_index, path
        return path, witness

    def name(self, kind: str) -> str:
        """What a witness is called."""
        return _witness_name(self._question.scenario.name, self._question.fence, kind)

    def finish(self, result: Result, finished: Finished) -> None:
        """Store that the question need not be asked again, unless something of it is missing."""
        whole = result.complete and result.fault is None and not result.doubts
        if self._resumable and whole:
            with contextlib.suppress(StoreError):
                self._folder.progress(self._number, _encoder.encode(finished))


def name_witnesses(folder: RunFolder, summary: Summary) -> None:
    """Keep the file names of a finished question's witnesses from others of the same name."""
    for kind in summary.violations:
        folder.name_witness(_witness_name(summary.scenario, summary.fence, kind))


def _witness_name(scenario: str, fence: str, kind: str) -> str:
    return f"{scenario}.{fence}.{kind}"
