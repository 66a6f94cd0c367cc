"""What is asked of explorers, and what came of it.

A question is one scenario under one fence; who answers it, and when, is the business of
`harness.explore.coordinator`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from harness.explore.work_item import WorkItem
from harness.model.errors import HarnessError
from harness.model.history import Step
from harness.model.history import encode as encode_history
from harness.results.coverage import Coverage, coverage_of
from harness.results.stats import Finding, Stats
from harness.results.summary import Summary, unmet
from harness.results.witness import Claim, Witness
from harness.scenario.definition import Scenario, dump
from harness.strategies.portfolio import FIRST_SHARES, Portfolio, name_of, next_shares, rounds

if TYPE_CHECKING:
    from harness.explore.exhaust.subtree_item import SubtreeItem

__all__ = ["NO_SCHEDULE", "ExhaustiveTask", "Result", "SearchTask"]

#: Index of a doubt that is about no schedule in particular.
NO_SCHEDULE = -1


class SearchTask(msgspec.Struct, frozen=True):
    """One scenario under one fence.

    Args:
        scenario: what to run.
        fence: reference.
        gate, strategy: names.
        seed: of the run.
        schedules: how many.
        time_limit_s: stop after so long; 0 for no limit.
        until: kind of violation that is sought: nothing is run after the first schedule
            that shows it, and everything before; empty to run all schedules.
        each: whether it is kept of each schedule what it shows.
        keep: whether its workers may serve the next one, see `harness.explore.explorer_cache`.
    """

    scenario: Scenario
    fence: str
    gate: str
    strategy: str
    seed: int
    schedules: int
    time_limit_s: float = 0.0
    until: str = ""
    each: bool = False
    keep: bool = True

    def complete(self, tally: Stats) -> bool:
        """Whether everything that was asked for has been run."""
        return tally.schedules >= self.schedules

    def worth(self, tally: Stats) -> Coverage | None:
        """What a pass says; None where the question itself does."""
        return coverage_of(tally, self.gate, sum(lane.count for lane in self.scenario.lanes))

    @property
    def on_real_files(self) -> bool:
        """Whether lanes are told what the file system really says."""
        return self.gate == "free" or self.scenario.filesystem.inode_reuse == "real"

    def rounds(self) -> Iterator[range]:
        """Schedules by number, round by round: all at once where nothing is learned from earlier ones."""
        learning = self.strategy == Portfolio.name and self.picks
        return rounds(self.schedules) if learning else iter((range(self.schedules),))

    @property
    def picks(self) -> bool:
        """Whether the strategy has a say: the free gate stops nobody, so there is nothing to pick."""
        return self.gate != "free"

    @property
    def resumable(self) -> bool:
        """Whether it can be left off and taken up at any schedule."""
        return True

    def job(
        self, number: int, count: int, ranges: Sequence[range], strategy: str, root: str = ""
    ) -> WorkItem:
        """The share of one explorer.

        Args:
            number: of the explorer.
            count: of explorers.
            ranges: its schedules, not none.
            strategy: for this round, see `leaning`.
            root: where to make session directories; empty for where the others are.
        """
        first, *more = ranges
        return WorkItem(
            self.scenario,
            self.fence,
            self.gate,
            strategy,
            self.seed,
            first.start,
            first.step,
            first.stop,
            root,
            self.until,
            self.each,
            tuple(more),
            self.keep,
        )

    def leaning(self, tally: Stats) -> str:
        """The strategy's name; with the shares that the portfolio's parts have earned by now.

        Args:
            tally: of all rounds before, each of them whole.
        """
        if self.strategy != Portfolio.name or not tally.violations:
            return self.strategy
        ran = {name: part.schedules for name, part in tally.parts.items()}
        found = {name: part.violations for name, part in tally.parts.items()}
        return name_of(next_shares(FIRST_SHARES, ran, found))

    def witness(self, finding: Finding) -> Witness:
        """What replays a finding."""
        violation = finding.violation
        events = finding.history.events[: violation.at + 1]
        lane = finding.history.header.lanes[violation.lane].name if violation.lane >= 0 else ""
        return Witness(
            Claim(
                finding.kind,
                sum(1 for event in events if isinstance(event, Step)),
                lane,
                violation.op,
                violation.detail,
            ),
            dump(self.scenario),
            self.fence,
            self.gate,
            # That of the part of a portfolio that ran it.
            finding.history.header.strategy,
            self.seed,
            finding.schedule_index,
            finding.program,
            finding.schedule,
            encode_history(finding.history).decode(),
        )


class ExhaustiveTask(SearchTask, frozen=True, kw_only=True):
    """The same, asked of every class of schedules; `schedules` is where each explorer gives up.

    Args:
        actions_max: all sequences of so many rogue actions; 0 for the drawn program.
        preemptions_max: every schedule with at most so many; -1 for no bound.
        programs: how many programs that makes.
    """

    actions_max: int
    preemptions_max: int
    programs: int

    @property
    def resumable(self) -> bool:
        """A tree of schedules is not kept."""
        return False

    def job(  # type: ignore[override]  # another kind of work
        self, number: int, count: int, ranges: Sequence[range], strategy: str, root: str = ""
    ) -> SubtreeItem:
        """The share of one explorer out of `count`: programs, and not schedules, are dealt out."""
        from harness.explore.exhaust.subtree_item import SubtreeItem

        return SubtreeItem(
            self.scenario,
            self.fence,
            self.seed,
            self.actions_max,
            self.preemptions_max,
            number,
            count,
            self.schedules,
            root,
        )

    def complete(self, tally: Stats) -> bool:
        """Whether nothing is left of any program."""
        return tally.programs >= self.programs

    def worth(self, tally: Stats) -> None:
        """A certificate speaks for itself."""


class Result(msgspec.Struct):
    """What came of a question.

    Args:
        question: what was asked.
        tally: the sum.
        explorers: how many worked on it.
        wall_s: seconds from first job to last tally.
        stopped: why not all schedules were run, ``interrupted`` or ``time limit``; else empty.
        fault: what ended the work of an explorer, if anything did.
        settled: whether what was sought was found, and every schedule before it was run.
        doubts: what went wrong with no schedule in particular; put into the tally at the end,
            for what was not run because of it can be run yet.
    """

    question: SearchTask
    tally: Stats
    explorers: int
    wall_s: float = 0.0
    stopped: str = ""
    fault: HarnessError | None = None
    settled: bool = False
    doubts: list[str] = msgspec.field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all schedules were run, or all up to the one that was sought."""
        return self.settled or self.question.complete(self.tally)

    @property
    def sought(self) -> Finding | None:
        """The lowest schedule so far that shows what was sought."""
        return self.tally.first.get(self.question.until)

    def summary(self, witnesses: dict[str, str]) -> Summary:
        """What is to be said of it.

        Args:
            witnesses: path of the stored witness by kind of violation.
        """
        question, tally = self.question, self.tally
        expectation = question.scenario.expectation(question.fence)
        intruders, missing = unmet(tally, expectation.must, expectation.may)
        unexpected = [f"{kind} was not expected" for kind in intruders]
        doubt = _doubt(tally)
        if self.complete:
            unexpected += [
                f"{kind} was expected and did not show in {tally.schedules} schedules" for kind in missing
            ]
        elif not doubt and (missing or not tally.schedules):
            doubt = f"only {tally.schedules} of {question.schedules} schedules were run"
            doubt += f", and {', '.join(missing)} did not show yet" if missing else ""
        first = min(tally.first.values(), key=lambda finding: finding.schedule_index, default=None)
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
            first_violation=None if first is None else _brief(first, witnesses),
            expected=not unexpected and not missing,
            exhausted=isinstance(question, ExhaustiveTask) and self.complete and not doubt,
            inconclusive=tally.inconclusive,
            wall_s=round(self.wall_s, 4),
            steps_per_s=round(tally.steps / self.wall_s, 1) if self.wall_s else 0.0,
            stuck=tally.stuck,
            absorbed=tally.absorbed,
            late=tally.late,
            inode_reused=tally.inode_reused,
            repeated=tally.repeated,
            histories=f"{tally.histories:016x}",
            explorers=self.explorers,
            stopped=self.stopped,
            unexpected=tuple(unexpected),
            why_inconclusive=doubt,
            parts=dict(sorted(tally.parts.items())) if question.picks else {},
            worth=question.worth(tally),
            workers=tally.workers,
            peak_bytes=tally.peak_bytes,
            programs=tally.programs,
            redundant=tally.redundant,
            violating=dict(sorted(tally.violating.items())),
            # An exhaustive search numbers its schedules by program.
            found_curve=() if isinstance(question, ExhaustiveTask) else tuple(tally.found_curve()),
            decision_steps=dict(sorted(tally.decision_steps.items())),
            decision_steps_own=dict(sorted(tally.decision_steps_own.items())),
        )


def _brief(finding: Finding, witnesses: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "schedule": finding.schedule_index,
        "witness": witnesses.get(finding.kind),
    }


def _doubt(tally: Stats) -> str:
    if tally.why_inconclusive is None:
        return ""
    index, reason = tally.why_inconclusive
    return reason if index == NO_SCHEDULE else f"schedule {index}: {reason}"
