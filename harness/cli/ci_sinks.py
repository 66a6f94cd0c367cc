"""What other programs read of a run: JUnit XML, and on GitHub the step summary and annotations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from harness.cli.known_witnesses import Known
from harness.cli.output import remark
from harness.cli.shrink_sink import Small
from harness.cli.terminal_sink import example, recalled
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import StoreError, UsageError
from harness.report.result_case import Case
from harness.results.paired import Comparison
from harness.results.store import write_whole
from harness.results.summary import Summary

__all__ = ["Reports", "compared", "told"]


def told(
    result: Result,
    summary: Summary,
    witnesses: Mapping[str, str],
    shrunk: Mapping[str, Small],
    known: Sequence[Known],
) -> str:
    """The story of each violation that was not expected, each with the command that replays it.

    Args:
        result, summary, witnesses, shrunk, known: as for `harness.cli.terminal_sink.Display.result`.
    """
    expectation = result.question.scenario.expectation(result.question.fence)
    lines: list[str] = []
    for kind in sorted(result.tally.first):
        if kind not in (*expectation.must, *expectation.may):
            lines += [*example(result, kind, witnesses, shrunk.get(kind)), ""]
    for one in known:
        if one.unexpected:
            lines += [*one.reasons(), *recalled(one, summary.fence), ""]
    return "\n".join(lines).rstrip("\n")


def compared(cases: Sequence[Case]) -> list[tuple[str, str, Comparison]]:
    """Scenario, fence and comparison of every case that has been compared with another fence."""
    done = [case.summary for case in cases if case.summary is not None]
    return [(one.scenario, one.fence, one.paired) for one in done if isinstance(one.paired, Comparison)]


class Reports:
    """Collects cases; the JUnit file is whole, and says what is known, after each of them.

    What has not been run when the harness dies stands there as an error: no pass, and not
    the file of an earlier run.

    Args:
        junit: path of the file; None for none.
    """

    def __init__(self, junit: str | None) -> None:
        self.cases: list[Case] = []
        self.failed = False
        self._next = 0
        self._junit = junit

    def plan(self, planned: Iterable[tuple[str, SearchTask]]) -> None:
        """Say what is about to be run.

        Args:
            planned: the scenario's file and the question, in the order of the run.

        Raises:
            UsageError: the JUnit file cannot be written; nothing ran.
        """
        self.cases = [Case(file, 1, question.fence) for file, question in planned]
        junit = self._junit
        try:
            if junit and os.path.dirname(junit):
                os.makedirs(os.path.dirname(junit), exist_ok=True)
            self._write()
        except OSError as error:
            raise UsageError(f"--junit {junit}: cannot be written: {error.strerror}; give another") from error
        except StoreError as error:
            raise UsageError(f"--junit {error}") from error

    def add(self, summary: Summary, text: str) -> None:
        """Take in what came of the next question."""
        planned = self.cases[self._next]
        case = Case(planned.file, 1, planned.fence, summary, text)
        if self._junit or case.failure or case.error:
            from harness.scenario.expectation_line import expectation_line

            case = msgspec.structs.replace(case, line=expectation_line(case.file, case.fence))
        self.cases[self._next] = case
        self._next += 1
        self._try(self._write)

    def close(self, title: str) -> None:
        """Tell GitHub, where we run there.

        Args:
            title: of the step summary; empty for none, and no annotations.
        """
        if not title:
            return
        if os.environ.get("GITHUB_ACTIONS"):
            from harness.report.github import workflow_commands

            for line in workflow_commands(self.cases, os.environ.get("GITHUB_WORKSPACE")):
                remark(line)
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path:
            from harness.report.markdown import markdown

            self._try(lambda: _append(path, markdown(self.cases, title, compared(self.cases))))

    def _write(self) -> None:
        if self._junit:
            from harness.report.junit import junit

            write_whole(self._junit, junit(self.cases))

    def _try(self, write: Callable[[], None]) -> None:
        """Write something; what cannot be written is said once and makes the run inconclusive."""
        try:
            write()
        except (OSError, StoreError) as error:
            if not self.failed:
                remark(str(error))
            self.failed = True


def _append(path: str, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{text}\n")
