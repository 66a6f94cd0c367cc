"""Reports of a run for other programs: JUnit XML, and on GitHub the step summary and annotations."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence

import msgspec

from harness.cli.answer_story import unexpected_stories
from harness.cli.checkpoint import Finished
from harness.cli.output import remark
from harness.cli.sink import Answer, Ending, Sink, Task, WriteFaults
from harness.model.errors import StoreError, UsageError
from harness.report.result_case import Case
from harness.results.paired import Comparison
from harness.results.summary import Summary
from harness.system.output_file import OutputFile, append_to

__all__ = ["CiSink", "comparisons_of"]


def comparisons_of(cases: Sequence[Case]) -> list[tuple[str, str, Comparison]]:
    """Return scenario, fence and comparison of every case that was compared with another fence."""
    done = [case.summary for case in cases if case.summary is not None]
    return [(one.scenario, one.fence, one.paired) for one in done if isinstance(one.paired, Comparison)]


class CiSink(Sink):
    """Collects cases, adds the story of each, and writes the JUnit file anew after each of them.

    A task that was not searched when the harness dies stands in that file as an error: it is no
    pass, and the file is not that of an earlier run. To a pipe or a device it writes once, at the end.

    Args:
        junit: path of the file; None for none.
        title: of the step summary on GitHub; empty for no summary and no annotations.

    Attributes:
        cases: of all tasks, in their order.
        faults: of the reports.
    """

    def __init__(self, junit: str | None, title: str = "") -> None:
        self.cases: list[Case] = []
        self.faults = WriteFaults()
        self._next = 0
        self._junit = junit
        self._file: OutputFile | None = None
        self._title = title

    def begin(self, tasks: Sequence[Task]) -> None:
        """Write a JUnit file in which no task has been searched.

        Raises:
            UsageError: it cannot be written; no task was begun.
        """
        self.cases = [Case(task.file, 1, task.search.fence) for task in tasks]
        junit = self._junit
        try:
            if junit and os.path.dirname(junit):
                os.makedirs(os.path.dirname(junit), exist_ok=True)
            if junit:
                self._file = OutputFile(junit)
            self._write()
        except OSError as error:
            raise UsageError(f"--junit {junit}: cannot be written: {error.strerror}; give another") from error
        except StoreError as error:
            raise UsageError(f"--junit {error}") from error

    def add(self, answer: Answer) -> Answer:
        """Take the next case, and add the stories of unexpected violations to the answer."""
        story = unexpected_stories(answer)
        self._add(answer.summary, story)
        return msgspec.structs.replace(answer, story=story)

    def restore(self, finished: Finished) -> None:
        """Take the next case as it was reported before."""
        self._add(finished.summary, finished.text)

    def _add(self, summary: Summary, story: str) -> None:
        planned = self.cases[self._next]
        case = Case(planned.file, 1, planned.fence, summary, story)
        if self._junit or case.failure or case.error:
            from harness.scenario.expectation_line import expectation_line

            case = msgspec.structs.replace(case, line=expectation_line(case.file, case.fence))
        self.cases[self._next] = case
        self._next += 1
        self._try(self._write)

    def end(self, ending: Ending) -> str:
        """Finish the JUnit file, and report to GitHub if the run is part of a workflow there."""
        if self._file is not None:
            self._try(functools.partial(self._write, last=True))
            self._file.close()
        if not self._title:
            return ""
        if os.environ.get("GITHUB_ACTIONS"):
            from harness.report.github import workflow_commands

            for line in workflow_commands(self.cases, os.environ.get("GITHUB_WORKSPACE")):
                remark(line)
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path:
            from harness.report.markdown import markdown

            text = markdown(self.cases, self._title, comparisons_of(self.cases))
            self._try(lambda: append_to(path, f"{text}\n".encode()))
        return ""

    def _write(self, last: bool = False) -> None:
        if self._file is not None and self._file.is_stream == last:
            from harness.report.junit import junit

            self._file.write(junit(self.cases))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (OSError, StoreError) as error:
            self.faults.note(error)
