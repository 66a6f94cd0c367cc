"""``run``: search scenarios for schedules that break a fence."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness.cli.checkpoint import Finished, Keeper, earlier, name_witnesses
from harness.cli.ci_sinks import Reports, told
from harness.cli.html_sink import Reporter
from harness.cli.known_witnesses import Known, recall, with_known
from harness.cli.output import remark
from harness.cli.program_permission import check_programs, check_witness, permitted
from harness.cli.resume import check_same, completed, plan_of
from harness.cli.scenario_files import scenario_files
from harness.cli.search_tasks import (
    EXHAUSTIVE,
    check_faults,
    check_inodes,
    choose_gate,
    choose_strategy,
    exhaustive,
    tasks_for,
)
from harness.cli.shrink_sink import Shrinker, Small
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.cli.terminal_sink import Display
from harness.explore.coordinator import Coordinator
from harness.explore.search_task import Result, SearchTask
from harness.model.errors import HarnessError, StoreError, UsageError
from harness.results import regression_corpus
from harness.results.search_progress import Progress
from harness.results.stats import Stats
from harness.results.store import RunFolder, run_id
from harness.results.summary import Summary, encode
from harness.results.witness import Witness
from harness.scenario import Scenario
from harness.system.janitor import place

__all__ = ["Run", "Task", "folder_for", "main", "scenarios_of", "tasks_of"]

#: Where time is short, some questions get so much and the rest none: explorers and workers have to start.
_SHARE_MIN_S = 1.0
#: For what was begun just before the end; 0 would be no limit.
_LEAST_S = 0.001
_OUTCOMES = {
    OK: "as expected",
    NOT_EXPECTED: "not as expected",
    INCONCLUSIVE: "inconclusive",
    INTERRUPTED: "interrupted",
}
#: Schedules of an exhaustive search after which an explorer gives up.
_EXHAUSTIVE_MAX = 10_000_000


def main(arguments: argparse.Namespace) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status."""
    resumed = arguments.resume is not None
    arguments = completed(arguments, arguments.resume)
    explorers = arguments.explorers or len(os.sched_getaffinity(0))
    with Coordinator(explorers, arguments.session_root) as campaign:
        # Meanwhile scenarios are read.
        campaign.start_ahead()
        tasks = _asked(arguments)
        questions = [task.question for task in tasks]
        if resumed:
            check_same(arguments.out, questions)
        folder = folder_for(arguments, questions, resumed)
        run = Run(campaign, arguments, folder, resumable=True)
        run.do_all(tasks)
    return run.status()


def _asked(arguments: argparse.Namespace) -> list[Task]:
    """What the arguments ask for.

    Raises:
        UsageError: they ask for what cannot be.
    """
    files, scenarios, kept = scenarios_of(arguments)
    gate = choose_gate(arguments.gate)
    questions: Sequence[SearchTask] = tasks_for(
        scenarios,
        arguments.fence,
        gate,
        choose_strategy(arguments.strategy),
        arguments.seed,
        arguments.schedules or (_EXHAUSTIVE_MAX if arguments.strategy == EXHAUSTIVE else None),
    )
    check_faults(scenarios, gate)
    check_programs(scenarios, arguments.allow_programs, gate)
    if arguments.strategy == EXHAUSTIVE:
        questions = exhaustive(questions, arguments.rogue_actions, arguments.preemptions)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    return tasks_of(questions, files, scenarios, kept)


def scenarios_of(
    arguments: argparse.Namespace,
) -> tuple[list[str], list[Scenario], list[list[tuple[str, Witness]]]]:
    """The scenarios that the user named and that may be run.

    Returns:
        Their files, the scenarios, and the witnesses kept for each, in one order.

    Raises:
        ScenarioError: one is faulty.
        UsageError: one would start programs that the user has not allowed.
    """
    # Its validator takes a tenth of a second to come up.
    from harness.scenario import load_all

    files = scenario_files(arguments.scenarios)
    allowed = arguments.allow_programs
    files, scenarios = permitted(files, load_all(files), arguments.scenarios, allowed)
    kept = [regression_corpus.known(file) for file in files]
    for path, witness in itertools.chain.from_iterable(kept):
        check_witness(path, witness, allowed)
    return files, scenarios, kept


class Task(NamedTuple):
    """A question, the scenario's file, and the witnesses that were kept for it."""

    question: SearchTask
    file: str
    kept: list[tuple[str, Witness]]


def tasks_of(
    questions: Sequence[SearchTask],
    files: Sequence[str],
    scenarios: Sequence[Scenario],
    kept: Sequence[list[tuple[str, Witness]]],
) -> list[Task]:
    """The questions with what belongs to them.

    Args:
        questions: about the scenarios.
        files, kept: of each scenario.
        scenarios: in the order of the files.
    """
    # By identity: two folders may each have a scenario of the same name.
    places = {id(scenario): at for at, scenario in enumerate(scenarios)}
    tasks = []
    for question in questions:
        at = places[id(question.scenario)]
        tasks.append(Task(question, files[at], kept[at]))
    return tasks


class Run:
    """Tasks, one after the other: each is recalled, searched, stored, shrunk, shown and reported.

    Args:
        campaign: whose explorers work on them.
        arguments: of `run`, or of a command that has the same ones.
        folder: where everything is stored.
        display: who shows it; None for the usual one.
        resumable: whether somebody may want to go on when it has ended early.
    """

    #: Of the step summary; empty for none, and no annotations.
    title = "Fences under test"

    def __init__(
        self,
        campaign: Coordinator,
        arguments: argparse.Namespace,
        folder: RunFolder,
        display: Display | None = None,
        resumable: bool = False,
    ) -> None:
        self._campaign = campaign
        self._resumable = resumable
        self._display = display or Display(arguments.json)
        self._folder = folder
        self.reports = Reports(arguments.junit)
        limit_s = arguments.time_limit_s
        self._deadline = time.monotonic() + limit_s if limit_s else None
        self._shrinker = Shrinker(
            campaign, 0.0 if arguments.no_shrink else arguments.shrink_limit_s, self._deadline
        )
        #: Whether any question was: a limit that is over by then leaves one that was.
        self._begun = False
        self._keep = arguments.keep
        self._summaries: list[Summary] = []
        self._unstored = False
        self._argv: Sequence[str] = arguments.argv

    def do_all(self, tasks: Sequence[Task]) -> None:
        """Take one task after the other, until the user wants no more.

        Raises:
            UsageError: the JUnit file cannot be written; nothing ran.
        """
        fault = ""
        self._reporter = Reporter(self._folder, len(tasks), self._argv)
        self.reports.plan((task.file, task.question) for task in tasks)
        try:
            for number, task in enumerate(tasks):
                if self._campaign.interrupted:
                    return
                self._do(task, number, len(tasks) - number)
        except HarnessError as error:
            fault = str(error)
            raise
        finally:
            self.reports.close(self.title)
            # First the page: nobody may be left to read the table.
            report = self._report(fault)
            self._folder.close()
            self._display.table(self._summaries)
            self._display.report(report)

    def _report(self, fault: str) -> str:
        """Write the page; its path, or nothing."""
        try:
            return self._reporter.write(_OUTCOMES[self.status()], fault)
        except StoreError as error:
            self._not_stored(error)
            return ""

    def _do(self, task: Task, number: int, left: int) -> None:
        """First what is known, then the search; neither when the time is over or all is known."""
        before = earlier(self._folder, number) if self._resumable else None
        if isinstance(before, Finished):
            self._take_over(before)
            return
        if before is not None:
            self._reporter.spent(before.wall_s)
        keeper = Keeper(self._folder, number, task.question, self._resumable)
        if self._begun and self._deadline is not None and time.monotonic() >= self._deadline:
            self._take(_not_begun(task.question, before), (), task.file, keeper)
            return
        self._begun = True
        known = recall(self._campaign, task.question, task.kept, self._deadline)
        question = task.question
        if self._deadline is not None:
            question = _limited(question, self._deadline, left, self._shrinker)
        with self._display.progress(question) as progress:
            result = self._campaign.ask(question, progress, before, keeper.save)
        self._take(result, known, task.file, keeper)

    def _take_over(self, finished: Finished) -> None:
        """Take a question as it was told before."""
        summary = finished.summary
        name_witnesses(self._folder, summary)
        self._shrinker.leave_out(summary)
        self._summaries.append(summary)
        self.reports.add(summary, finished.text)
        self._store_verdict(summary)
        self._reporter.add(finished.entry)
        self._display.earlier(summary)

    def _take(self, result: Result, known: Sequence[Known], file: str, keeper: Keeper) -> None:
        """Store, shrink and show what came of a question."""
        if isinstance(result.fault, UsageError):
            raise result.fault
        found = self._store_witnesses(result, keeper)
        shrunk = self._shrink(result, found, file, keeper)
        witnesses = {kind: path for kind, (path, _) in found.items()}
        summary = with_known(result.summary(), known)
        summary = msgspec.structs.replace(summary, shrunk={kind: one.told() for kind, one in shrunk.items()})
        summary = self._complete(summary, result)
        self._summaries.append(summary)
        text = told(result, summary, witnesses, shrunk, known)
        self.reports.add(summary, text)
        self._store_verdict(summary)
        entry = self._reporter.take(result, summary, witnesses, shrunk)
        if not self._campaign.interrupted:
            keeper.finish(result, Finished(summary, entry, text))
        self._display.result(result, summary, witnesses, shrunk, known)
        if result.fault is not None:
            raise result.fault

    def _store_verdict(self, summary: Summary) -> None:
        try:
            self._folder.verdict(encode(summary))
        except StoreError as error:
            self._not_stored(error)

    def _complete(self, summary: Summary, _result: Result) -> Summary:
        """What is to be said besides; there is nothing in a plain run."""
        return summary

    def _store_witnesses(self, result: Result, keeper: Keeper) -> dict[str, tuple[str, Witness]]:
        """Each witness that could be stored with its path, by kind of violation."""
        found = {}
        for kind, finding in sorted(result.tally.first.items()):
            try:
                found[kind] = keeper.witness(kind, finding)
            except StoreError as error:
                self._not_stored(error)
        return found

    def _shrink(
        self, result: Result, found: Mapping[str, tuple[str, Witness]], file: str, keeper: Keeper
    ) -> dict[str, Small]:
        """Make the first violation of each kind smaller, store it, and keep it if that was asked for."""
        smaller = {}
        for kind, (_, original) in found.items():
            shrunk = self._shrinker.shrink(original) if self._shrinker.wants(result, kind) else None
            if shrunk is None or shrunk.best is None:
                continue
            witness = shrunk.witness(original)
            try:
                path = self._folder.shrunk(keeper.name(kind), witness)
                kept = regression_corpus.keep(file, witness) if self._keep else ""
                smaller[kind] = Small(shrunk, witness, path, kept)
            except StoreError as error:
                self._not_stored(error)
        return smaller

    def _not_stored(self, error: StoreError) -> None:
        """The run goes on: what is found is still shown."""
        if not self._unstored:
            remark(str(error))
        self._unstored = True

    def status(self) -> int:
        """Exit status of the whole run."""
        if self._campaign.interrupted:
            return INTERRUPTED
        if any(summary.unexpected for summary in self._summaries):
            return NOT_EXPECTED
        if (
            self._unstored
            or self.reports.failed
            or any(summary.why_inconclusive for summary in self._summaries)
        ):
            return INCONCLUSIVE
        return OK


def _not_begun(question: SearchTask, before: Progress | None) -> Result:
    """What is known of a question for which there was no time."""
    tally = Stats() if before is None else before.tally
    return Result(question, tally, 0, 0.0 if before is None else before.wall_s, "time limit")


def _limited(question: SearchTask, deadline: float, left: int, shrinker: Shrinker) -> SearchTask:
    """The question with its share of the time that it and the ones after it have left."""
    left_s = max(_LEAST_S, deadline - time.monotonic())
    share_s = min(left_s, max(_SHARE_MIN_S, left_s / left))
    share_s -= shrinker.reserve_s(share_s)
    return msgspec.structs.replace(question, time_limit_s=share_s)


def folder_for(
    arguments: argparse.Namespace, questions: Sequence[SearchTask], resumed: bool = False
) -> RunFolder:
    """The run's folder, with what is about to be run written down.

    Raises:
        UsageError: it cannot be made or written, or another run is at work there; nothing ran.
    """
    try:
        folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
        if resumed:
            folder.resume()
        else:
            folder.plan(plan_of(arguments, questions))
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder
