"""``matrix``: fences by scenarios, on the same schedules for every fence."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import msgspec

from harness.cli.ci_sinks import CiSink, comparisons_of
from harness.cli.cluster_option import admit, coordinator_for
from harness.cli.confinement_check import check_confinement
from harness.cli.display import Display
from harness.cli.output import emit, remark
from harness.cli.program_permission import check_programs
from harness.cli.resume import completed
from harness.cli.run_search import ci_sink, folder_for, scenarios_of, with_files
from harness.cli.search_loop import loop_for
from harness.cli.search_options import search_options
from harness.cli.search_tasks import (
    EXHAUSTIVE,
    check_faults,
    check_inodes,
    choose_gate,
    choose_strategy,
    tasks_for,
)
from harness.cli.settings import with_settings
from harness.cli.sharding import own_part, shareable
from harness.cli.sink import Answer, Ending, Sink
from harness.cli.terminal_sink import TerminalSink
from harness.explore.search_task import SearchTask
from harness.model.errors import UsageError
from harness.report.markdown import markdown
from harness.report.result_case import grid
from harness.results.paired import Comparison, compare, rows
from harness.results.summary import Summary
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, name_of
from harness.system.janitor import place

__all__ = ["MATRIX_TITLE", "ComparisonSink", "main", "shown_by"]

#: Of the step summary on GitHub, and of the Markdown.
MATRIX_TITLE = "Fences compared"


def main(arguments: argparse.Namespace) -> int:
    """Search every scenario with every fence, and compare each fence with the first."""
    arguments = completed(with_settings(arguments))
    files, scenarios, kept = scenarios_of(arguments)
    fences = _fences(arguments.fences)
    check_confinement(arguments.require_confinement)
    gate = choose_gate(arguments.gate)
    asked = tasks_for(
        scenarios,
        fences,
        gate,
        _strategy(arguments.strategy),
        arguments.seed,
        arguments.schedules,
        arguments.min_schedules,
    )
    check_faults(scenarios, gate)
    check_programs(scenarios, arguments.allow_programs, gate)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    if gate == "free":
        remark("the free gate stops no lane: fences are compared on the same programs alone")
    searches = [msgspec.structs.replace(search, each=True) for search in asked]
    tasks = shareable(arguments, with_files(searches, files, scenarios, kept))
    own = own_part(arguments, tasks)
    display, ci = Display(arguments.json), ci_sink(arguments, MATRIX_TITLE)
    # A shard has parts of fences, which cannot be compared.
    compared = [] if arguments.shard else [ComparisonSink()]
    with coordinator_for(arguments) as coordinator:
        admit(coordinator, arguments, gate, [task.search for task in own])
        loop = loop_for(
            coordinator,
            arguments,
            folder_for(arguments, tasks),
            ci,
            before_reports=compared,
            shown=[TerminalSink(display) if arguments.shard else shown_by(arguments, display, ci)],
            watch=display.progress,
            resumable=arguments.shard is not None,
        )
        loop.run(own)
    return loop.status()


def shown_by(arguments: argparse.Namespace, display: Display, ci: CiSink) -> Sink:
    """Return the sink that shows a matrix, as tables or as Markdown."""
    if arguments.markdown:
        return _MarkdownSink(ci)
    return _MatrixSink(display, options=search_options(arguments, _strategy(arguments.strategy)))


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


class ComparisonSink(Sink):
    """Compares each fence with the first one in the same scenario, and adds that to the summary."""

    def __init__(self) -> None:
        self._first: SearchTask | None = None
        self._shown: Mapping[int, tuple[str, ...]] = {}

    def add(self, answer: Answer) -> Answer:
        """Compare; of the first fence of a scenario remember what each schedule showed."""
        shown = answer.result.stats.each or {}
        search = answer.task.search
        if self._first is None or self._first.scenario is not search.scenario:
            self._first, self._shown = search, shown
            paired = None
        else:
            paired = compare(shown, self._shown, self._first.fence)
        return msgspec.structs.replace(answer, summary=msgspec.structs.replace(answer.summary, paired=paired))


class _MatrixSink(TerminalSink):
    """Shows at length only answers that are not as expected; the tables have the others."""

    def show(self, answer: Answer) -> None:
        """Show an answer that the user has to look at."""
        if self.json or answer.summary.unexpected or answer.summary.unsettled:
            super().show(answer)

    def show_tables(self, summaries: Sequence[Summary]) -> None:
        """Print the kill matrix, and the table of differences."""
        self.display.table(grid(summaries))
        pairs = [
            (one.scenario, one.fence, one.paired) for one in summaries if isinstance(one.paired, Comparison)
        ]
        differing = rows(pairs)
        if len(differing) > 1:
            self.display.table(differing)
        elif pairs and not self.json:
            emit("\nno schedule tells the fences apart")


class _MarkdownSink(Sink):
    """Prints tables and stories for a pull request, and nothing else.

    Args:
        ci: has collected the cases.
    """

    def __init__(self, ci: CiSink) -> None:
        self._ci = ci

    def end(self, ending: Ending) -> str:
        """Print the text."""
        emit(markdown(self._ci.cases, MATRIX_TITLE, comparisons_of(self._ci.cases)))
        return ""
