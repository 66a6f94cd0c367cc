"""The HTML page of a run: collected while the run goes on, written at its end, however it ends."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence

import msgspec

from harness.cli.called_as import command
from harness.cli.checkpoint import Finished
from harness.cli.output import replay_command
from harness.cli.sink import Answer, Ending, Sink, Task, WriteFaults
from harness.model.errors import StoreError
from harness.report.html.page_data import Entry, Example, Finding, Run
from harness.results.store import RunFolder

__all__ = ["HtmlSink"]


class HtmlSink(Sink):
    """Collects the entries of the page, and writes it at the end.

    A history is kept only if it will be drawn: of a shrunk witness, of an unexpected
    violation, and of the first violation of each kind and fence. So the memory of a run does
    not grow with its schedules.

    Args:
        folder: of the run.
        argv: arguments of the command line that runs all of it again.
        faults: of the folder's files.
    """

    def __init__(self, folder: RunFolder, argv: Sequence[str], faults: WriteFaults) -> None:
        self._folder = folder
        self._argv = argv
        self._faults = faults
        self._planned = 0
        self._entries: list[Entry] = []
        self._seen: set[tuple[str, str]] = set()
        self._started = 0.0

    def begin(self, tasks: Sequence[Task]) -> None:
        """Start the clock."""
        self._planned = len(tasks)
        self._started = time.monotonic()

    def add(self, answer: Answer) -> Answer:
        """Keep the entry of an answer, and add it to the answer."""
        first = answer.result.stats.first
        kinds = sorted(first, key=lambda kind: (first[kind].schedule_index, kind))
        found = tuple(self._finding(answer, kind) for kind in kinds)
        entry = Entry(answer.summary, found, answer.task.search.count)
        self._entries.append(entry)
        self._count(answer.earlier_s)
        return msgspec.structs.replace(answer, entry=entry)

    def restore(self, finished: Finished) -> None:
        """Keep an entry as it was kept before the run was resumed."""
        entry = finished.entry
        self._entries.append(entry)
        self._count(entry.summary.wall_s)
        self._seen.update((entry.summary.fence, one.kind) for one in entry.found if one.example is not None)

    def _count(self, wall_s: float) -> None:
        """Count the time that the run took before it was resumed."""
        self._started -= wall_s

    def _finding(self, answer: Answer, kind: str) -> Finding:
        finding, task = answer.result.stats.first[kind], answer.task.search
        expected = not answer.result.accuses(kind)
        stored, small = answer.witnesses.get(kind), answer.shrunk.get(kind)
        path = small.path if small is not None else "" if stored is None else stored.path
        best = None if small is None else small.shrunk.best
        shown = finding if best is None else best
        example = None
        if best is not None or not expected or (task.fence, kind) not in self._seen:
            example = Example(
                shown.history,
                shown.judgement,
                shown.violation,
                () if small is None else small.witness.critical,
                "" if small is None else small.shrunk.summary_line(),
                None if small is None else small.shrunk.code,
            )
            self._seen.add((task.fence, kind))
        # Imported here because most runs find nothing.
        from urllib.parse import quote

        return Finding(
            kind,
            finding.schedule_index,
            answer.result.stats.violations[kind],
            expected,
            kind in answer.summary.information,
            shown.violation.detail,
            replay_command(path).removeprefix("replay: ") if path else "",
            quote(os.path.relpath(path, self._folder.path)) if path else "",
            example,
        )

    def end(self, ending: Ending) -> str:
        """Write the page, and return its path; an empty text where it could not be written."""
        # Imported at the end, so that a run starts faster.
        from harness.report.html.page import page

        run = Run(
            os.path.basename(os.path.abspath(self._folder.path)),
            ending.outcome,
            ending.fault or ending.note,
            f"{command()} {shlex.join(self._argv)}",
            tuple(self._entries),
            self._planned,
            time.monotonic() - self._started,
            command(),
        )
        try:
            return self._folder.report(page(run))
        except StoreError as error:
            self._faults.note(error)
            return ""
