"""``matrix``: fences by scenarios, on the same schedules for every fence."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence

import msgspec

from harness.cli.ci_sinks import compared
from harness.cli.known_witnesses import Known
from harness.cli.output import emit, remark
from harness.cli.program_permission import check_programs
from harness.cli.resume import completed
from harness.cli.run_command import Run, folder_for, scenarios_of, tasks_of
from harness.cli.search_tasks import (
    EXHAUSTIVE,
    check_faults,
    check_inodes,
    choose_gate,
    choose_strategy,
    tasks_for,
)
from harness.cli.shrink_sink import Small
from harness.cli.terminal_sink import Display
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import UsageError
from harness.report.markdown import markdown
from harness.report.result_case import grid
from harness.results.paired import Comparison, compare, rows
from harness.results.store import RunFolder
from harness.results.summary import Summary
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, name_of
from harness.system.janitor import place

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Ask every scenario of every fence, and compare each fence with the first."""
    arguments = completed(arguments)
    files, scenarios, kept = scenarios_of(arguments)
    fences = _fences(arguments.fences)
    gate = choose_gate(arguments.gate)
    asked = tasks_for(
        scenarios, fences, gate, _strategy(arguments.strategy), arguments.seed, arguments.schedules
    )
    check_faults(scenarios, gate)
    check_programs(scenarios, arguments.allow_programs, gate)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    if gate == "free":
        remark("under the free gate nobody is stopped: fences are compared on the same programs alone")
    questions = [msgspec.structs.replace(question, each=True) for question in asked]
    display = _Display(arguments.json, arguments.markdown)
    explorers = arguments.explorers or len(os.sched_getaffinity(0))
    tasks = tasks_of(questions, files, scenarios, kept)
    with Coordinator(explorers, arguments.session_root) as campaign:
        matrix = _Matrix(campaign, arguments, folder_for(arguments, questions), display)
        try:
            matrix.do_all(tasks)
        finally:
            if arguments.markdown:
                cases = matrix.reports.cases
                emit(markdown(cases, matrix.title, compared(cases)))
    return matrix.status()


def _fences(given: Sequence[str]) -> list[str]:
    """The references, in order.

    Raises:
        UsageError: there is none, or an empty one.
    """
    fences = [name.strip() for text in given for name in text.split(",")]
    if not all(fences):
        raise UsageError(
            f"--fences {','.join(given)}: a reference between two commas is empty; give REF,REF,..."
        )
    return list(dict.fromkeys(fences))


def _strategy(name: str) -> str:
    """The strategy's name, spelled so that no schedule depends on what a fence showed before it.

    Raises:
        UsageError: there is none of that name, or its schedules have no numbers to pair by.
    """
    if name == EXHAUSTIVE:
        raise UsageError(
            f"--strategy {name}: schedules of two fences are paired by number, and an exhaustive search has "
            "as many as each fence makes; run it for each fence with `run`"
        )
    return name_of(FIRST_SHARES) if name == Portfolio.name else choose_strategy(name)


class _Matrix(Run):
    """A run that compares each fence with the first one in the same scenario."""

    title = "Fences compared"

    def __init__(
        self, campaign: Coordinator, arguments: argparse.Namespace, folder: RunFolder, display: Display
    ) -> None:
        super().__init__(campaign, arguments, folder, display)
        self._first: SearchTask | None = None
        self._shown: Mapping[int, tuple[str, ...]] = {}

    def _complete(self, summary: Summary, result: Result) -> Summary:
        """With the comparison; of the first fence it is kept what each schedule showed."""
        shown = result.tally.each or {}
        question = result.question
        if self._first is None or self._first.scenario is not question.scenario:
            self._first, self._shown = question, shown
            return msgspec.structs.replace(summary, paired=None)
        return msgspec.structs.replace(summary, paired=compare(shown, self._shown, self._first.fence))


class _Display(Display):
    """Only what is not as expected is told at length; the rest is in the tables."""

    def __init__(self, json: bool, markdown: bool) -> None:
        super().__init__(json)
        self._markdown = markdown

    def result(
        self,
        result: Result,
        summary: Summary,
        witnesses: Mapping[str, str],
        shrunk: Mapping[str, Small],
        known: Sequence[Known],
    ) -> None:
        """Show what came of one question, if it has to be looked at."""
        if not self._markdown and (self._json or summary.unexpected or summary.why_inconclusive):
            super().result(result, summary, witnesses, shrunk, known)

    def report(self, path: str) -> None:
        """Where the page is; Markdown is for a pull request, which has no use for a path."""
        if not self._markdown:
            super().report(path)

    def table(self, summaries: Sequence[Summary]) -> None:
        """Both tables at the end."""
        if self._markdown or not summaries:
            return
        self.matrix(grid(summaries))
        pairs = [
            (one.scenario, one.fence, one.paired) for one in summaries if isinstance(one.paired, Comparison)
        ]
        differing = rows(pairs)
        if len(differing) > 1:
            self.matrix(differing)
        elif pairs and not self._json:
            emit("\nno schedule tells the fences apart")
