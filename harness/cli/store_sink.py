"""Stores the answers of a run in its folder: the witnesses first, the verdict when all is known."""

from __future__ import annotations

import msgspec

from harness.cli.checkpoint import Finished, reserve_names
from harness.cli.sink import Answer, Ending, Sink, WriteFaults
from harness.explore.coordinator import Coordinator
from harness.model.errors import StoreError
from harness.results.store import RunFolder
from harness.results.summary import Summary, encode

__all__ = ["VerdictSink", "WitnessSink"]


class WitnessSink(Sink):
    """Stores the first witness of each kind of violation, and adds their paths.

    Args:
        folder: of the run.
        faults: of its files.
    """

    def __init__(self, folder: RunFolder, faults: WriteFaults) -> None:
        self._folder = folder
        self._faults = faults

    def add(self, answer: Answer) -> Answer:
        """Store the witnesses; one that cannot be stored is left out."""
        stored = {}
        for kind, finding in sorted(answer.result.stats.first.items()):
            try:
                stored[kind] = answer.checkpoint.witness(kind, finding)
            except StoreError as error:
                self._faults.note(error)
        summary, first = answer.summary, answer.summary.first_violation
        if first is not None and first["kind"] in stored:
            first = {**first, "witness": stored[first["kind"]].path}
            summary = msgspec.structs.replace(summary, first_violation=first)
        return msgspec.structs.replace(answer, witnesses=stored, summary=summary)

    def restore(self, finished: Finished) -> None:
        """Reserve the names of its witnesses."""
        reserve_names(self._folder, finished.summary)


class VerdictSink(Sink):
    """Stores the summary, and that the task is finished. Comes after all sinks that add something.

    Args:
        folder: of the run; closed at its end.
        faults: of its files.
        coordinator: tells whether the user has interrupted the run.
    """

    def __init__(self, folder: RunFolder, faults: WriteFaults, coordinator: Coordinator) -> None:
        self._folder = folder
        self._faults = faults
        self._coordinator = coordinator

    def add(self, answer: Answer) -> Answer:
        """Store the verdict; a task that was interrupted, even while it was shrunk, is not finished."""
        self._verdict(answer.summary)
        if not self._coordinator.interrupted:
            assert answer.entry is not None, "the page's sink comes first"
            finished = Finished(answer.summary, answer.entry, answer.story)
            try:
                answer.checkpoint.finish(answer.result, finished, answer.known)
            except StoreError as error:
                self._faults.note(error)
        return answer

    def restore(self, finished: Finished) -> None:
        """Store its verdict again, in its turn."""
        self._verdict(finished.summary)

    def _verdict(self, summary: Summary) -> None:
        try:
            self._folder.verdict(encode(summary))
        except StoreError as error:
            self._faults.note(error)

    def end(self, ending: Ending) -> str:
        """Release the folder."""
        self._folder.close()
        return ""
