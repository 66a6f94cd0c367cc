"""The sinks of a run: each gets every answer, adds what it has made of it, and hands it on.

`harness.cli.search_loop` asks the tasks and calls the sinks. A sink is in a file of its own: `store_sink`,
`shrink_sink`, `ci_sinks`, `html_sink`, `terminal_sink`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from harness.cli.checkpoint import Checkpoint, Finished, StoredWitness
from harness.cli.known_witnesses import KnownWitness
from harness.cli.output import remark
from harness.explore.search_task import Result, SearchTask
from harness.report.html.page_data import Entry
from harness.results.summary import Summary
from harness.results.witness import Witness

if TYPE_CHECKING:
    from harness.shrink import Shrunk

__all__ = ["Answer", "Ending", "ShrunkWitness", "Sink", "Task", "WriteFaults"]


class Task(NamedTuple):
    """A search task, the file of its scenario, and the witnesses that were kept for that file."""

    search: SearchTask
    file: str
    kept: Sequence[tuple[str, Witness]]


class ShrunkWitness(NamedTuple):
    """A shrunk witness.

    Args:
        shrunk: what came of shrinking.
        witness: with the shrunk schedule.
        path: where it is stored in the run's folder.
        kept: where it is kept beside its scenario; empty where it is not.
    """

    shrunk: Shrunk
    witness: Witness
    path: str
    kept: str

    def as_data(self) -> dict[str, Any]:
        """Return what ``--json`` says of it."""
        return {"witness": self.path, "kept": self.kept or None, **self.shrunk.figures()}


class Answer(msgspec.Struct, frozen=True):
    """The answer to one task. The fields with a default are filled in by sinks.

    Args:
        task: what was asked.
        result: of the search.
        known: what the kept witnesses show now.
        checkpoint: stores progress and witnesses of the task.
        earlier_s: seconds that the search took before the run was resumed.
        summary: what is reported; sinks fill in what they know.
        witnesses: stored ones by kind of violation.
        shrunk: shrunk ones by kind of violation.
        story: of the violations that were not expected; empty where there are none.
        entry: of the HTML page.
    """

    task: Task
    result: Result
    known: Sequence[KnownWitness]
    checkpoint: Checkpoint
    earlier_s: float
    summary: Summary
    witnesses: Mapping[str, StoredWitness] = {}
    shrunk: Mapping[str, ShrunkWitness] = {}
    story: str = ""
    entry: Entry | None = None


class Ending(NamedTuple):
    """The end of a run.

    Args:
        outcome: in words, see `harness.report.html.page_data.Run`.
        fault: the error that ended the run before its time; empty if there was none.
        page: path of the HTML page; empty as long as it is not written.
        note: why not all questions were asked, where the user wanted it so; else empty.
    """

    outcome: str
    fault: str
    page: str
    note: str = ""


class Sink:
    """Takes the answers of a run. Each method does nothing unless a sink overrides it."""

    def begin(self, tasks: Sequence[Task]) -> None:
        """Prepare for the tasks of a run, in their order.

        Raises:
            UsageError: what the user asked for cannot be written; no task was begun.
        """

    def add(self, answer: Answer) -> Answer:
        """Take an answer, and return it with what this sink adds for the sinks after it."""
        return answer

    def restore(self, finished: Finished) -> None:
        """Take a task that was finished before the run was resumed, in the place of its answer."""

    def end(self, ending: Ending) -> str:
        """Write what is left to write when the run is over, however it ended.

        Returns:
            Path of the HTML page if this sink has written it, else an empty text.
        """
        return ""


class WriteFaults:
    """Remembers that something could not be written, and remarks on the first such error.

    The run goes on, because its results can still be shown; it is inconclusive.
    """

    def __init__(self) -> None:
        self.any = False

    def note(self, error: Exception) -> None:
        """Take an error in."""
        if not self.any:
            remark(str(error))
        self.any = True
