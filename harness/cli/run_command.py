"""``run``: search scenarios for schedules that break a fence."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from harness import corpus
from harness.campaign import Campaign
from harness.cli.display import Display
from harness.cli.files import scenario_files
from harness.cli.output import remark
from harness.cli.programs import check_programs, check_witness, permitted
from harness.cli.questions import (
    check_faults,
    check_inodes,
    choose_gate,
    choose_strategy,
    exhaustive,
    questions_of,
)
from harness.cli.recalling import Known, recall, with_known
from harness.cli.shrinking import Shrinker, Small
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.errors import StoreError, UsageError
from harness.janitor import place
from harness.question import Question, Result
from harness.report.summary import Summary, encode
from harness.scenario import dump, load_all
from harness.store import RunFolder, run_id
from harness.witness import Witness

__all__ = ["main"]

_SHARE_MIN_S = 0.001
#: Schedules of an exhaustive search after which an explorer gives up.
_EXHAUSTIVE_MAX = 10_000_000


def main(arguments: argparse.Namespace) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status."""
    files = scenario_files(arguments.scenarios)
    scenarios = load_all(files)
    allowed = arguments.allow_programs
    files, scenarios = permitted(files, scenarios, arguments.scenarios, allowed)
    kept = [corpus.known(file) for file in files]
    for path, witness in itertools.chain.from_iterable(kept):
        check_witness(path, witness, allowed)
    gate = choose_gate(arguments.gate)
    questions: Sequence[Question] = questions_of(
        scenarios,
        arguments.fence,
        gate,
        choose_strategy(arguments.strategy),
        arguments.seed,
        arguments.schedules or (_EXHAUSTIVE_MAX if arguments.strategy == "exhaustive" else None),
    )
    check_faults(scenarios, gate)
    check_programs(scenarios, allowed, gate)
    if arguments.strategy == "exhaustive":
        questions = exhaustive(questions, arguments.rogue_actions, arguments.preemptions)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    # By identity: two folders may each have a scenario of the same name.
    places = {id(scenario): at for at, scenario in enumerate(scenarios)}
    tasks = []
    for question in questions:
        at = places[id(question.scenario)]
        tasks.append(_Task(question, files[at], kept[at]))
    explorers = arguments.explorers or len(os.sched_getaffinity(0))
    with Campaign(explorers, arguments.session_root) as campaign:
        run = _Run(campaign, arguments, _folder(arguments, questions))
        run.do_all(tasks)
    return run.status()


class _Task(NamedTuple):
    """A question, the scenario's file, and the witnesses that were kept for it."""

    question: Question
    file: str
    kept: list[tuple[str, Witness]]


class _Run:
    def __init__(self, campaign: Campaign, arguments: argparse.Namespace, folder: RunFolder) -> None:
        self._campaign = campaign
        self._display = Display(arguments.json)
        self._folder = folder
        limit_s = arguments.time_limit_s
        self._deadline = time.monotonic() + limit_s if limit_s else None
        self._shrinker = Shrinker(
            campaign, 0.0 if arguments.no_shrink else arguments.shrink_limit_s, self._deadline
        )
        self._keep = arguments.keep
        self._summaries: list[Summary] = []
        self._unstored = False

    def do_all(self, tasks: Sequence[_Task]) -> None:
        """Take one task after the other, until the user wants no more."""
        try:
            for number, task in enumerate(tasks):
                if self._campaign.interrupted:
                    return
                self._do(task, len(tasks) - number)
        finally:
            self._display.table(self._summaries)

    def _do(self, task: _Task, left: int) -> None:
        """First what is known, then the search."""
        known = recall(self._campaign, task.question, task.kept, self._deadline)
        question = task.question
        if self._deadline is not None:
            question = _limited(question, self._deadline, left, self._shrinker)
        with self._display.progress(question) as progress:
            result = self._campaign.ask(question, progress)
        self._take(result, known, task.file)

    def _take(self, result: Result, known: Sequence[Known], file: str) -> None:
        """Store, shrink and show what came of a question."""
        if isinstance(result.fault, UsageError):
            raise result.fault
        found = self._store_witnesses(result)
        shrunk = self._shrink(result, found, file)
        witnesses = {kind: path for kind, (path, _) in found.items()}
        summary = with_known(result.summary(witnesses), known)
        summary = msgspec.structs.replace(summary, shrunk={kind: one.told() for kind, one in shrunk.items()})
        self._summaries.append(summary)
        try:
            self._folder.verdict(encode(summary))
        except StoreError as error:
            self._not_stored(error)
        self._display.result(result, summary, witnesses, shrunk, known)
        if result.fault is not None:
            raise result.fault

    def _store_witnesses(self, result: Result) -> dict[str, tuple[str, Witness]]:
        """Each witness that could be stored with its path, by kind of violation."""
        found = {}
        for kind, finding in sorted(result.tally.first.items()):
            witness = result.question.witness(finding)
            try:
                path = self._folder.witness(_name(result, kind), witness, finding.history)
                found[kind] = (path, witness)
            except StoreError as error:
                self._not_stored(error)
        return found

    def _shrink(
        self, result: Result, found: Mapping[str, tuple[str, Witness]], file: str
    ) -> dict[str, Small]:
        """Make the first violation of each kind smaller, store it, and keep it if that was asked for."""
        smaller = {}
        for kind, (_, original) in found.items():
            shrunk = self._shrinker.shrink(original) if self._shrinker.wants(result, kind) else None
            if shrunk is None or shrunk.best is None:
                continue
            witness = shrunk.witness(original)
            try:
                path = self._folder.shrunk(_name(result, kind), witness)
                kept = corpus.keep(file, witness) if self._keep else ""
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
        if self._unstored or any(summary.why_inconclusive for summary in self._summaries):
            return INCONCLUSIVE
        return OK


def _name(result: Result, kind: str) -> str:
    return f"{result.question.scenario.name}.{result.question.fence}.{kind}"


def _limited(question: Question, deadline: float, left: int, shrinker: Shrinker) -> Question:
    """The question with its share of the time that it and the ones after it have left."""
    share = (deadline - time.monotonic()) / left
    share -= shrinker.reserve_s(max(0.0, share))
    return msgspec.structs.replace(question, time_limit_s=max(_SHARE_MIN_S, share))


def _folder(arguments: argparse.Namespace, questions: Sequence[Question]) -> RunFolder:
    """The run's folder, with what is about to be run written down.

    Raises:
        UsageError: it cannot be made or written; nothing ran.
    """
    plan = {
        "version": 1,
        "arguments": {key: value for key, value in vars(arguments).items() if key != "command"},
        "questions": [
            {
                "scenario": dump(question.scenario),
                "fence": question.fence,
                "gate": question.gate,
                "strategy": question.strategy,
                "seed": question.seed,
                "schedules": question.schedules,
            }
            for question in questions
        ],
    }
    try:
        folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
        folder.plan(plan)
    except StoreError as error:
        raise UsageError(str(error)) from error
    return folder
