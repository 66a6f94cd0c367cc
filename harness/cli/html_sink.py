"""What ``run`` keeps for its report, and when it is written: at the end, whatever the end is."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from harness.cli.output import replay_command
from harness.cli.shrink_sink import Small
from harness.explore.search_task import Result
from harness.report.html.page_data import Entry, Example, Finding, Run
from harness.results.store import RunFolder
from harness.results.summary import Summary

__all__ = ["Reporter"]


class Reporter:
    """Collects what a page needs while a run goes on.

    A history is kept only for what will be drawn: what was made smaller, what nobody
    expected, and the first of each kind of a fence. So what a run keeps does not grow
    with its schedules.

    Args:
        folder: of the run.
        planned: how many questions will be asked.
        argv: arguments of the command line that runs all of it again.
    """

    def __init__(self, folder: RunFolder, planned: int, argv: Sequence[str]) -> None:
        self._folder = folder
        self._planned = planned
        self._argv = argv
        self._entries: list[Entry] = []
        self._seen: set[tuple[str, str]] = set()
        self._started = time.monotonic()

    def take(
        self, result: Result, summary: Summary, witnesses: Mapping[str, str], shrunk: Mapping[str, Small]
    ) -> Entry:
        """Keep what came of a question.

        Args:
            result: what was found.
            summary: what is said of it.
            witnesses: path of the stored witness by kind of violation.
            shrunk: those that were made smaller.

        Returns:
            What is kept.
        """
        kinds = sorted(result.tally.first, key=lambda kind: (result.tally.first[kind].schedule_index, kind))
        found = [self._finding(result, kind, witnesses.get(kind, ""), shrunk.get(kind)) for kind in kinds]
        entry = Entry(summary, tuple(found), result.question.schedules)
        self._entries.append(entry)
        return entry

    def add(self, entry: Entry) -> None:
        """Keep what was kept before the run was resumed."""
        self._entries.append(entry)
        self.spent(entry.summary.wall_s)
        self._seen.update((entry.summary.fence, one.kind) for one in entry.found if one.example is not None)

    def spent(self, wall_s: float) -> None:
        """Count the time that the run took before it was resumed."""
        self._started -= wall_s

    def _finding(self, result: Result, kind: str, path: str, small: Small | None) -> Finding:
        question, finding = result.question, result.tally.first[kind]
        expectation = question.scenario.expectation(question.fence)
        expected = kind in (*expectation.must, *expectation.may)
        path = small.path if small is not None else path
        best = None if small is None else small.shrunk.best
        shown = finding if best is None else best
        example = None
        if best is not None or not expected or (question.fence, kind) not in self._seen:
            example = Example(
                shown.history,
                shown.judgement,
                shown.violation,
                () if small is None else small.witness.critical,
                "" if small is None else small.shrunk.summary_line(),
            )
            self._seen.add((question.fence, kind))
        return Finding(
            kind,
            finding.schedule_index,
            result.tally.violations[kind],
            expected,
            shown.violation.detail,
            replay_command(path).removeprefix("replay: ") if path else "",
            quote(os.path.relpath(path, self._folder.path)) if path else "",
            example,
        )

    def write(self, outcome: str, fault: str) -> str:
        """Store the page.

        Args:
            outcome: of the run, see `harness.report.html.page_data.Run`.
            fault: what ended it before its time.

        Returns:
            Its path.

        Raises:
            StoreError: it could not be written.
        """
        # Not before the end: a run starts without what makes pages.
        from harness.report.html.page import page

        run = Run(
            os.path.basename(os.path.abspath(self._folder.path)),
            outcome,
            fault,
            shlex.join([sys.orig_argv[0] if sys.orig_argv else "python", "-m", "harness", *self._argv]),
            tuple(self._entries),
            self._planned,
            time.monotonic() - self._started,
        )
        return self._folder.report(page(run))
