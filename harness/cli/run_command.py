"""``run``: search scenarios for schedules that break a fence."""

from __future__ import annotations

import argparse
import os
import sys


from harness import gates
from harness.campaign import Campaign, Question, Result
from harness.cli.display import Display
from harness.cli.files import scenario_files
from harness.cli.status import INCONCLUSIVE, INTERRUPTED, NOT_EXPECTED, OK
from harness.errors import FenceLoadError, GateUnavailable, StoreError, UsageError
from harness.fences import resolve
from harness.history import Step
from harness.report.story import headline, story
from harness.report.summary import Summary, encode, judge_expectation
from harness.scenario import Scenario, dump, load_all
from harness.store import RunFolder, run_id
from harness.strategies import STRATEGIES
from harness.tally import Finding
from harness.witness import Claim, Witness

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Run every scenario against every fence; see `harness.cli` for the exit status."""
    scenarios = load_all(scenario_files(arguments.scenarios))
    if arguments.strategy not in STRATEGIES:
        raise UsageError(
            f"--strategy {arguments.strategy}: unknown, expected one of {', '.join(STRATEGIES)}; "
            "see `python -m harness list strategies`"
        )
    display = Display(quiet=arguments.json)
    gate = _gate(arguments.gate, display)
    questions = _questions(arguments, scenarios, gate)
    _check_inodes(scenarios, arguments.session_root, gate)
    folder = RunFolder(arguments.out or os.path.join("results", "runs", run_id()))
    folder.plan(_plan(arguments, questions))
    run = _Run(arguments, display, folder)
    with Campaign(arguments.explorers or len(os.sched_getaffinity(0)), arguments.session_root) as campaign:
        for question in questions:
            if not run.one(campaign, question):
                break
    display.table(run.summaries)
    return run.status()


class _Run:
    def __init__(self, arguments: argparse.Namespace, display: Display, folder: RunFolder) -> None:
        self._arguments = arguments
        self._display = display
        self._folder = folder
        self.summaries: list[Summary] = []
        self._interrupted = False
        self._store_fault = ""

    def one(self, campaign: Campaign, question: Question) -> bool:
        """Ask one question and report; False when the user wants no more."""
        with self._display.progress(question) as progress:
            result = campaign.ask(question, progress)
        witnesses = self._keep(result)
        summary = _summary(result, witnesses)
        self.summaries.append(summary)
        self._store(lambda: self._folder.verdict(encode(summary)))
        if self._arguments.json:
            print(encode(summary), flush=True)
        else:
            self._tell(result, summary, witnesses)
        self._interrupted = result.interrupted
        return not result.interrupted

    def _keep(self, result: Result) -> dict[str, str]:
        witnesses = {}
        for kind, finding in result.tally.first.items():
            name = f"{result.question.scenario.name}.{result.question.fence}.{kind}"
            found = _witness(result.question, finding)
            path = self._store(lambda n=name, w=found, f=finding: self._folder.witness(n, w, f.history))
            if path is not None:
                witnesses[kind] = path
        return witnesses

    def _store(self, write):  # type: ignore[no-untyped-def]  # hands through whatever `write` gives
        try:
            return write()
        except StoreError as error:
            if not self._store_fault:
                print(error, file=sys.stderr)
            self._store_fault = str(error)
            return None

    def _tell(self, result: Result, summary: Summary, witnesses: dict[str, str]) -> None:
        show = self._display.say
        show(f"{summary.scenario} / {summary.fence}: {_in_short(summary)}")
        for reason in summary.unexpected:
            show(f"  UNEXPECTED: {reason}")
        if summary.why_inconclusive:
            show(f"  INCONCLUSIVE: {summary.why_inconclusive}")
        first = summary.first_violation
        if first is None:
            return
        finding = result.tally.first[first["kind"]]
        violation = next(v for v in finding.judgement.violations if v.kind == finding.kind)
        show(f"  {headline(finding.history, violation)} (schedule {finding.schedule_index})")
        for line in story(finding.history, finding.judgement, violation):
            show(f"  {line}")
        if finding.kind in witnesses:
            show(f"  replay: python -m harness replay {witnesses[finding.kind]}")

    def status(self) -> int:
        """Exit status of the whole run."""
        if self._interrupted:
            return INTERRUPTED
        if any(summary.unexpected for summary in self.summaries):
            return NOT_EXPECTED
        if self._store_fault or any(summary.inconclusive for summary in self.summaries):
            return INCONCLUSIVE
        return OK


def _gate(wanted: str | None, display: Display) -> str:
    if wanted == "free":
        return wanted
    why = gates.unavailable("kernel")
    if not why:
        return "kernel"
    if wanted == "kernel":
        raise GateUnavailable(f"--gate kernel: {why}; see `python -m harness doctor`")
    display.note(f"the kernel gate is not available ({why}); going on with the free gate")
    return "free"


def _questions(arguments: argparse.Namespace, scenarios: list[Scenario], gate: str) -> list[Question]:
    questions = []
    faults = []
    for scenario in scenarios:
        fences = arguments.fence or list(dict.fromkeys([*scenario.fences, *scenario.expect])) or ["none"]
        for fence in fences:
            try:
                resolve(fence)
            except FenceLoadError as error:
                where = "--fence " if arguments.fence else f"scenario {scenario.name}: expect: "
                faults.append(f"{where}{error}")
            questions.append(
                Question(
                    scenario,
                    fence,
                    gate,
                    arguments.strategy,
                    arguments.seed,
                    arguments.schedules or scenario.schedules,
                    arguments.time_limit_s,
                )
            )
    if faults:
        raise FenceLoadError("\n".join(dict.fromkeys(faults)))
    return questions


def _check_inodes(scenarios: list[Scenario], root: str | None, gate: str) -> None:
    wanting = [scenario for scenario in scenarios if scenario.filesystem.inode_reuse == "real"]
    if not wanting:
        return
    from harness.doctor import reuses_inodes

    if not reuses_inodes(root):
        raise UsageError(
            f"scenario {wanting[0].name}: filesystem.inode_reuse: real needs a file system that gives a freed "
            "inode number to the next file, and the one under the session directory does not (tmpfs and btrfs "
            "never do); point --session-root at an ext4 directory, or let the harness emulate it with "
            "inode_reuse: always"
        )


def _plan(arguments: argparse.Namespace, questions: list[Question]) -> dict[str, object]:
    return {
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


def _witness(question: Question, finding: Finding) -> Witness:
    from harness.history import encode as encode_history

    violation = next(v for v in finding.judgement.violations if v.kind == finding.kind)
    steps = sum(1 for event in finding.history.events[: violation.at + 1] if isinstance(event, Step))
    lane = finding.history.header.lanes[violation.lane].name if violation.lane >= 0 else ""
    return Witness(
        Claim(finding.kind, steps, lane, violation.op, violation.detail),
        dump(question.scenario),
        question.fence,
        question.gate,
        question.strategy,
        question.seed,
        finding.schedule_index,
        finding.program,
        finding.schedule,
        encode_history(finding.history).decode(),
    )


def _summary(result: Result, witnesses: dict[str, str]) -> Summary:
    question, tally = result.question, result.tally
    expectation = question.scenario.expectation(question.fence)
    complete = not (result.interrupted or result.timed_out)
    first = min(tally.first.values(), key=lambda finding: finding.schedule_index, default=None)
    unexpected = judge_expectation(tally, expectation.must, expectation.may, complete)
    return Summary(
        scenario=question.scenario.name,
        fence=question.fence,
        policy=question.scenario.resolved_policy().name,
        gate=question.gate,
        strategy=question.strategy,
        seed=question.seed,
        schedules=tally.schedules,
        steps=tally.steps,
        verdicts=tally.verdicts,
        violations=dict(sorted(tally.violations.items())),
        first_violation=None
        if first is None
        else {"kind": first.kind, "schedule": first.schedule_index, "witness": witnesses.get(first.kind)},
        expected=not unexpected,
        exhausted=False,
        inconclusive=tally.inconclusive,
        wall_s=round(result.wall_s, 4),
        steps_per_s=round(tally.steps / result.wall_s, 1) if result.wall_s else 0.0,
        stuck=tally.stuck,
        absorbed=tally.absorbed,
        late=tally.late,
        inode_reused=tally.inode_reused,
        repeated=tally.repeated,
        explorers=result.explorers,
        unexpected=unexpected,
        why_inconclusive=""
        if tally.why_inconclusive is None
        else f"schedule {tally.why_inconclusive[0]}: {tally.why_inconclusive[1]}",
        workers=tally.workers,
    )


def _in_short(summary: Summary) -> str:
    found = ", ".join(f"{kind} in {count} schedules" for kind, count in summary.violations.items())
    rate = f"{summary.schedules} schedules in {summary.wall_s:.1f} s"
    reused = f"; inode number reused in {summary.inode_reused}" if summary.inode_reused else ""
    return f"{found or 'no violation'} ({rate}{reused})"


