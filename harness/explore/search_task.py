"""Search tasks and their results.

A search task is one scenario under one fence. `harness.explore.coordinator` deals it out to explorers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from harness.explore.work_item import WorkItem
from harness.model.errors import HarnessError
from harness.model.history import Step
from harness.model.history_text import encode as encode_history
from harness.model.violation_kinds import BY_POLICY
from harness.results.coverage import Coverage, coverage_of
from harness.results.schedule_ranges import spelled
from harness.results.search_progress import Progress, Share, deal
from harness.results.stats import Finding, Stats
from harness.results.summary import NOT_EXPECTED, Summary, unmet
from harness.results.witness import Claim, Needed, Witness
from harness.scenario.definition import Scenario, dump
from harness.scenario.drawn_digest import drawn_digest
from harness.scenario.extension_files import loaded
from harness.scenario.plan import lanes_of
from harness.strategies import make
from harness.strategies.families import program_number
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
        until: kind of violation that is sought: all schedules up to the first one that
            shows it are run; empty to run all schedules.
        each: whether the statistics say of each schedule what it shows.
        least: how many schedules a pass needs, ``N`` or ``P%`` of those asked for.
        keep: whether its workers may serve the next task, see `harness.explore.explorer_cache`.
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
    least: str = "50%"

    def shortfalls(self, stats: Stats, complete: bool) -> tuple[str, ...]:
        """Return why a search that found nothing is no pass."""
        from harness.explore.shortfalls import least_of, shortfalls

        if complete:
            return shortfalls(self.scenario, self.gate, stats)
        return shortfalls(self.scenario, self.gate, stats, self.schedules, least_of(self.least))

    def complete(self, stats: Stats) -> bool:
        """Return whether all schedules have been run."""
        return stats.schedules >= self.schedules

    def coverage(self, stats: Stats) -> Coverage | None:
        """Return how much the schedules covered; None where the search covers everything."""
        return coverage_of(stats, self.gate, len(lanes_of(self.scenario)))

    def expects(self, kind: str) -> bool:
        """Return whether the scenario expects a kind of violation of the fence, or allows it."""
        expectation = self.scenario.expectation(self.fence)
        return kind in (*expectation.must, *expectation.may)

    def unclaimed(self, kind: str, claims: Sequence[str]) -> bool:
        """Return whether a kind of violation is information: about a policy that the fence does not claim.

        A fence that claims no policy at all is judged under each, and so is one for which the scenario says
        what it expects.

        Args:
            kind: of the violation.
            claims: policies under which the fence claims to be right.
        """
        if not claims or self.fence in self.scenario.expect or kind not in BY_POLICY:
            return False
        return self.scenario.resolved_policy().name not in claims

    @property
    def whole(self) -> bool:
        """Whether the task asks for all schedules of its question; a shard asks for a part of them."""
        return True

    @property
    def count(self) -> int:
        """How many schedules the task runs."""
        return self.schedules

    @property
    def on_real_files(self) -> bool:
        """Return whether lanes see the answers of the real file system."""
        return self.gate == "free" or self.scenario.filesystem.inode_reuse == "real"

    def rounds(self) -> Iterator[range]:
        """Return the schedules of each round; one round where nothing is learned from earlier ones."""
        learning = self.strategy == Portfolio.name and self.picks
        return rounds(self.schedules) if learning else iter((range(self.schedules),))

    @property
    def picks(self) -> bool:
        """Return whether the strategy picks lanes; the free gate stops none, so there is nothing to pick."""
        return self.gate != "free"

    @property
    def resumable(self) -> bool:
        """Return whether the search can go on later from any schedule."""
        return True

    def deal(self, left: Iterable[range], count: int, strategy: str) -> list[Share]:
        """Deal schedules out; those that learn from each other go to one explorer where possible.

        Args:
            left: numbers of the schedules.
            count: of explorers.
            strategy: for this round.
        """
        return deal(left, count, make(strategy) if self.picks else None)

    def work_item(
        self, number: int, count: int, ranges: Sequence[range], strategy: str, root: str = ""
    ) -> WorkItem:
        """Return the share of one explorer.

        Args:
            number: of the explorer.
            count: of explorers.
            ranges: its schedules, at least one.
            strategy: for this round, see `strategy_after`.
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

    def strategy_after(self, stats: Stats) -> str:
        """Return the strategy's name for the next round; a portfolio's has the new shares of its parts.

        Args:
            stats: of all rounds before, each of them whole.
        """
        if self.strategy != Portfolio.name or not stats.violations:
            return self.strategy
        ran = {name: part.schedules for name, part in stats.parts.items()}
        found = {name: part.violations for name, part in stats.parts.items()}
        return name_of(next_shares(FIRST_SHARES, ran, found))

    def witness(self, finding: Finding) -> Witness:
        """Return the witness that replays a finding."""
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
            # The part of a portfolio that ran it.
            finding.history.header.strategy,
            self.seed,
            finding.schedule_index,
            finding.program,
            finding.schedule,
            encode_history(finding.history).decode(),
            extensions=tuple(Needed(file, loaded(file).digest) for file in self.scenario.extensions),
            drawn=drawn_digest(self.scenario, self.seed, self._program_number(finding))
            if self.scenario.extensions
            else "",
        )

    def _program_number(self, finding: Finding) -> int:
        return program_number(finding.history.header.strategy, finding.schedule_index)


class ExhaustiveTask(SearchTask, frozen=True, kw_only=True):
    """A search of every class of schedules; an explorer gives up after `schedules` of them.

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
        """False: the tree of schedules is not stored."""
        return False

    def deal(self, left: Iterable[range], count: int, strategy: str) -> list[Share]:
        """Deal out numbers that stand for no schedules: each explorer gets programs."""
        return deal(left, count)

    def work_item(  # type: ignore[override]  # another kind of work
        self, number: int, count: int, ranges: Sequence[range], strategy: str, root: str = ""
    ) -> SubtreeItem:
        """Return the share of one explorer out of `count`: programs are dealt out, not schedules."""
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

    def complete(self, stats: Stats) -> bool:
        """Return whether nothing is left of any program."""
        return stats.programs >= self.programs

    def coverage(self, stats: Stats) -> None:
        """Return None: an exhaustive search covers everything."""


class Result(msgspec.Struct):
    """The result of a search task.

    Args:
        task: the task.
        stats: statistics of all schedules.
        explorers: how many worked on it.
        wall_s: seconds from the first work item to the last statistics.
        stopped: why not all schedules were run, ``interrupted`` or ``time limit``; else empty.
        fault: the error that ended the work of an explorer; None if there was none.
        settled: whether what was sought was found, and every schedule before it was run.
        doubts: errors that belong to no schedule. They are added to the statistics at the end
            only, because a resumed run can still run the schedules that they cost.
        progress: from which a later run goes on, without those doubts.
    """

    task: SearchTask
    stats: Stats
    explorers: int
    wall_s: float = 0.0
    stopped: str = ""
    fault: HarnessError | None = None
    settled: bool = False
    doubts: list[str] = msgspec.field(default_factory=list)
    progress: Progress | None = None

    @property
    def complete(self) -> bool:
        """Return whether all schedules were run, or all up to the one that was sought."""
        return self.settled or self.task.complete(self.stats)

    @property
    def sought(self) -> Finding | None:
        """The finding of the lowest schedule so far that shows what was sought; None for none."""
        return self.stats.first.get(self.task.until)

    def accuses(self, kind: str) -> bool:
        """Return whether a kind of violation is neither expected nor information."""
        return not (self.task.expects(kind) or self.task.unclaimed(kind, self.stats.claims))

    def summary(self) -> Summary:
        """Return the summary; the paths of witnesses are filled in when they are stored."""
        task, stats = self.task, self.stats
        expectation = task.scenario.expectation(task.fence)
        surplus, missing = unmet(stats, expectation.must, expectation.may)
        if not task.whole:
            # It may show in another part.
            missing = []
        information = [kind for kind in surplus if task.unclaimed(kind, stats.claims)]
        unexpected = [f"{kind}{NOT_EXPECTED}" for kind in surplus if kind not in information]
        doubt = _doubt(stats)
        if self.complete:
            unexpected += [
                f"{kind} was expected and did not show in {stats.schedules} schedules" for kind in missing
            ]
        elif not doubt and (missing or not stats.schedules):
            doubt = f"only {stats.schedules} of {task.count} schedules were run"
            doubt += f", and {', '.join(missing)} did not show yet" if missing else ""
        first = min(stats.first.values(), key=lambda finding: finding.schedule_index, default=None)
        return Summary(
            scenario=task.scenario.name,
            fence=task.fence,
            policy=task.scenario.resolved_policy().name,
            gate=task.gate,
            strategy=task.strategy,
            seed=task.seed,
            schedules=stats.schedules,
            steps=stats.steps,
            verdicts=stats.verdicts,
            violations=dict(sorted(stats.violations.items())),
            first_violation=None if first is None else _brief(first),
            expected=not unexpected and not missing,
            exhausted=isinstance(task, ExhaustiveTask) and self.complete and not doubt,
            inconclusive=stats.inconclusive,
            wall_s=round(self.wall_s, 4),
            steps_per_s=round(stats.steps / self.wall_s, 1) if self.wall_s else 0.0,
            stuck=stats.stuck,
            absorbed=stats.absorbed,
            late=stats.late,
            inode_reused=stats.inode_reused,
            started_anew=stats.started_anew,
            repeated=stats.repeated,
            voided=stats.voided,
            histories=f"{stats.histories:016x}",
            explorers=self.explorers,
            stopped=self.stopped,
            unexpected=tuple(unexpected),
            information=tuple(information),
            firsts={kind: stats.first[kind].schedule_index for kind in sorted(stats.first)},
            why_inconclusive=doubt,
            not_exercised=() if doubt or unexpected or missing else task.shortfalls(stats, self.complete),
            parts=dict(sorted(stats.parts.items())) if task.picks else {},
            worth=task.coverage(stats),
            workers=stats.workers,
            peak_bytes=stats.peak_bytes,
            programs=stats.programs,
            redundant=stats.redundant,
            violating=dict(sorted(stats.violating.items())),
            # An exhaustive search numbers its schedules by program.
            found_curve=() if isinstance(task, ExhaustiveTask) else tuple(stats.found_curve()),
            decision_steps=dict(sorted(stats.decision_steps.items())),
            decision_steps_own=dict(sorted(stats.decision_steps_own.items())),
            ran={one: spelled(range(*numbers) for numbers in stats.ran[one]) for one in _in_order(stats)},
        )


def _in_order(stats: Stats) -> list[str]:
    """Return the shards or workers that ran schedules, in the order of their first one."""
    return sorted(stats.ran, key=lambda name: (stats.ran[name], name))


def _brief(finding: Finding) -> dict[str, Any]:
    return {"kind": finding.kind, "schedule": finding.schedule_index, "witness": None}


def _doubt(stats: Stats) -> str:
    if stats.why_inconclusive is None:
        return ""
    index, reason = stats.why_inconclusive
    return reason if index == NO_SCHEDULE else f"schedule {index}: {reason}"
