"""``run``: search scenarios for schedules that break a fence."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence

import msgspec

from harness.campaign import Campaign, Question, Result
from harness.cli.display import Display
from harness.cli.files import scenario_files
from harness.cli.output import remark
from harness.cli.questions import check_inodes, choose_gate, choose_strategy, exhaustive, questions_of
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.errors import StoreError, UsageError
from harness.janitor import place
from harness.report.summary import Summary, encode
from harness.scenario import dump, load_all
from harness.store import RunFolder, run_id

__all__ = ["main"]

_SHARE_MIN_S = 0.001
#: Schedules of an exhaustive search after which an explorer gives up.
_EXHAUSTIVE_MAX = 10_000_000


def main(arguments: argparse.Namespace) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status."""
    scenarios = load_all(scenario_files(arguments.scenarios))
    gate = choose_gate(arguments.gate)
    questions: Sequence[Question] = questions_of(
        scenarios,
        arguments.fence,
        gate,
        choose_strategy(arguments.strategy),
        arguments.seed,
        arguments.schedules or (_EXHAUSTIVE_MAX if arguments.strategy == "exhaustive" else None),
    )
    if arguments.strategy == "exhaustive":
        questions = exhaustive(questions, arguments.rogue_actions, arguments.preemptions)
    check_inodes(scenarios, place(arguments.session_root, real=True))
    explorers = arguments.explorers or len(os.sched_getaffinity(0))
    with Campaign(explorers, arguments.session_root) as campaign:
        run = _Run(campaign, Display(arguments.json), _folder(arguments, questions))
        run.ask_all(questions, arguments.time_limit_s)
    return run.status()


class _Run:
    def __init__(self, campaign: Campaign, display: Display, folder: RunFolder) -> None:
        self._campaign = campaign
        self._display = display
        self._folder = folder
        self._summaries: list[Summary] = []
        self._unstored = False

    def ask_all(self, questions: Sequence[Question], time_limit_s: float) -> None:
        """Ask one question after the other, until the user wants no more."""
        deadline = time.monotonic() + time_limit_s
        try:
            for number, question in enumerate(questions):
                if self._campaign.interrupted:
                    return
                left = len(questions) - number
                self._ask(_limited(question, deadline, left) if time_limit_s else question)
        finally:
            self._display.table(self._summaries)

    def _ask(self, question: Question) -> None:
        with self._display.progress(question) as progress:
            result = self._campaign.ask(question, progress)
        self._take(result)

    def _take(self, result: Result) -> None:
        """Store and show what came of a question."""
        if isinstance(result.fault, UsageError):
            raise result.fault
        witnesses = self._store_witnesses(result)
        summary = result.summary(witnesses)
        self._summaries.append(summary)
        try:
            self._folder.verdict(encode(summary))
        except StoreError as error:
            self._not_stored(error)
        self._display.result(result, summary, witnesses)
        if result.fault is not None:
            raise result.fault

    def _store_witnesses(self, result: Result) -> dict[str, str]:
        """Path of each witness that could be stored, by kind of violation."""
        question = result.question
        paths = {}
        for kind, finding in sorted(result.tally.first.items()):
            name = f"{question.scenario.name}.{question.fence}.{kind}"
            try:
                paths[kind] = self._folder.witness(name, question.witness(finding), finding.history)
            except StoreError as error:
                self._not_stored(error)
        return paths

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


def _limited(question: Question, deadline: float, left: int) -> Question:
    """The question with its share of the time that it and the ones after it have left."""
    share = (deadline - time.monotonic()) / left
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
