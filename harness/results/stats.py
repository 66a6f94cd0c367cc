"""Statistics of schedules: counts, and the first finding of each kind of violation.

Statistics of disjoint sets of schedules merge in any order to the same sum, so
the result does not depend on how schedules were dealt out to explorers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from harness.model.history import Event, History, Invoke, Step, mark
from harness.model.program import Program
from harness.model.schedule import Schedule
from harness.model.violation_kinds import KINDS
from harness.oracle import COUNTED, Decision, Judgement, Violation
from harness.results.distinct_counter import DistinctCounter
from harness.results.exercise import Exercise
from harness.results.schedule_ranges import adjoined
from harness.results.trace_class import class_of

__all__ = ["UNKNOWN", "VIOLATIONS", "Finding", "Part", "Stats"]

_MASK = (1 << 64) - 1
#: In `Stats.each`, a schedule of which the truth is not known.
UNKNOWN = ("inconclusive",)
VIOLATIONS = KINDS


class Finding(msgspec.Struct, frozen=True):
    """The lowest schedule that showed a kind of violation.

    Args:
        kind: of the violation.
        schedule_index: lowest index that showed it.
        program, schedule: to replay it.
        history: of the schedule.
        judgement: of the oracle.
    """

    kind: str
    schedule_index: int
    program: Program
    schedule: Schedule
    history: History
    judgement: Judgement

    @property
    def violation(self) -> Violation:
        """The first violation of the kind."""
        return next(found for found in self.judgement.violations if found.kind == self.kind)


class Part(msgspec.Struct):
    """The share of one strategy in the statistics.

    Args:
        schedules: how many it ran.
        found: those of them that show any violation.
        first: lowest index of those; -1 for none.
        violations: those of them by kind of violation.
    """

    schedules: int = 0
    found: int = 0
    first: int = -1
    violations: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, index: int, kinds: Collection[str]) -> None:
        """Add one schedule, with the kinds of violation that it shows."""
        self.schedules += 1
        self._count(1 if kinds else 0, index if kinds else -1, dict.fromkeys(kinds, 1))

    def merge(self, other: Part) -> None:
        """Add the figures of other schedules."""
        self.schedules += other.schedules
        self._count(other.found, other.first, other.violations)

    def _count(self, found: int, first: int, violations: Mapping[str, int]) -> None:
        self.found += found
        self.first = min((index for index in (self.first, first) if index >= 0), default=-1)
        for kind, count in violations.items():
            self.violations[kind] = self.violations.get(kind, 0) + count


class Stats(msgspec.Struct):
    """Sums over schedules.

    Args:
        schedules, steps: how many.
        verdicts: decisions by verdict.
        absorbed: missed takeovers of that kind.
        late: true positives that came decisions later.
        stuck: refusals that followed a false positive in its turn.
        stuck_for_good: false positives that the turn never got out of.
        violations: schedules by kind of violation that they show.
        inconclusive: schedules of which the truth is not known.
        why_inconclusive: reason and index of the first of them.
        inode_reused: schedules in which a lane saw an inode number that was used before.
        started_anew: schedules for which the fence's adapters were started anew, because they keep state.
        repeated: schedules that were run twice to be compared.
        voided: runs of schedules that another program disturbed, and that were repeated; they are in no
            other count.
        histories: sum of the histories' marks modulo 2^64; equal for equal sets of
            histories, in any order of their runs.
        first: by kind of violation.
        distinct, classes: different histories, and different orders of what meets in them.
        parts: by name of the strategy that ran the schedule.
        workers: resources that the worker processes use, by name of process.
        peak_bytes: the most memory that the harness, any one explorer and all its workers had.
        programs: exhaustive search: programs of which nothing is left.
        redundant: exhaustive search: schedules of a class that had been seen; not in any
            other count.
        violating: exhaustive search: classes that violate, by rogue program and kind.
        each: by index of a schedule the kinds of violation that it shows, or `UNKNOWN`;
            None where it is not collected.
        found_at: schedules that show any violation, by the bits that their index takes.
        decision_steps: decisions by the steps of all lanes from their begin to their end.
        decision_steps_own: the same, by the deciding lane's own steps.
        exercise: what the schedules exercised.
        claims: policies under which the fence claims to be right; empty where it says nothing.
        ran: by machine or shard, the schedules that it ran as ``(start, stop, step)``; empty where one
            machine runs all.
    """

    schedules: int = 0
    steps: int = 0
    verdicts: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    absorbed: int = 0
    late: int = 0
    stuck: int = 0
    stuck_for_good: int = 0
    violations: dict[str, int] = msgspec.field(default_factory=dict)
    inconclusive: int = 0
    why_inconclusive: tuple[int, str] | None = None
    inode_reused: int = 0
    started_anew: int = 0
    repeated: int = 0
    voided: int = 0
    histories: int = 0
    distinct: DistinctCounter = msgspec.field(default_factory=DistinctCounter)
    classes: DistinctCounter = msgspec.field(default_factory=DistinctCounter)
    first: dict[str, Finding] = msgspec.field(default_factory=dict)
    parts: dict[str, Part] = msgspec.field(default_factory=dict)
    workers: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    peak_bytes: dict[str, int] = msgspec.field(default_factory=dict)
    programs: int = 0
    redundant: int = 0
    violating: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)
    each: dict[int, tuple[str, ...]] | None = None
    found_at: dict[int, int] = msgspec.field(default_factory=dict)
    decision_steps: dict[int, int] = msgspec.field(default_factory=dict)
    decision_steps_own: dict[int, int] = msgspec.field(default_factory=dict)
    exercise: Exercise = msgspec.field(default_factory=Exercise)
    claims: tuple[str, ...] = ()
    ran: dict[str, list[tuple[int, int, int]]] = msgspec.field(default_factory=dict)

    def ran_by(self, runner: str, numbers: Iterable[range]) -> None:
        """Note that a shard or a worker ran some schedules."""
        known = [range(*one) for one in self.ran.get(runner, ())]
        self.ran[runner] = [(one.start, one.stop, one.step) for one in adjoined([*known, *numbers])]

    def add(
        self, index: int, program: Program, schedule: Schedule, history: History, judgement: Judgement
    ) -> None:
        """Add one schedule."""
        self.schedules += 1
        self.steps += len(schedule.choices)
        marked = mark(history)
        self.histories = (self.histories + marked) & _MASK
        self.distinct.add(marked, index)
        self.classes.add(class_of(history.events), index)
        self.exercise.add(history, len(judgement.decisions))
        verdicts = self.verdicts
        for decision in judgement.decisions:
            if decision.verdict in verdicts:
                verdicts[decision.verdict] += 1
                self._count_steps(history.events, decision)
            if decision.stuck or decision.late or decision.kind:
                self.absorbed += decision.kind == "absorbed"
                self.late += decision.late > 0
                self.stuck += decision.stuck
                self.stuck_for_good += decision.stuck > 0 and not decision.way_out
        kinds = {violation.kind for violation in judgement.violations}
        if self.each is not None:
            self.each[index] = tuple(sorted(kinds))
        if judgement.inconclusive:
            self.doubt(index, judgement.inconclusive)
        if kinds:
            _raise(self.found_at, index.bit_length(), 1)
        self.parts.setdefault(history.header.strategy, Part()).add(index, kinds)
        for kind in kinds:
            self.violations[kind] = self.violations.get(kind, 0) + 1
            if kind not in self.first or index < self.first[kind].schedule_index:
                self.first[kind] = Finding(kind, index, program, schedule, history, judgement)

    def _count_steps(self, events: Sequence[Event], decision: Decision) -> None:
        """Count the steps that a decision took, and those that its own lane took."""
        steps = own = 0
        lane = decision.lane
        for event in events[decision.at - 1 :: -1] if decision.at > 0 else ():
            # Most are steps of the lane itself.
            kind = type(event)
            if kind is Step:
                steps += 1
                if event.lane == lane:  # type: ignore[union-attr]  # a step has one
                    own += 1
            elif kind is Invoke and event.lane == lane:  # type: ignore[union-attr]  # so has a call
                break
        _raise(self.decision_steps, steps, 1)
        _raise(self.decision_steps_own, own, 1)

    def found_curve(self) -> list[tuple[int, int]]:
        """Return numbers of schedules, each twice the one before, with those that showed a violation."""
        points, found, bits = [], 0, 0
        while 1 << bits < self.schedules:
            found += self.found_at.get(bits, 0)
            points.append((1 << bits, found))
            bits += 1
        return [*points, (self.schedules, sum(self.found_at.values()))] if self.schedules else []

    def doubt(self, index: int, reason: str, schedules: int = 1) -> None:
        """Count one schedule as inconclusive, or none if the doubt is about no schedule."""
        self.inconclusive += schedules
        if self.each is not None and index in self.each:
            self.each[index] = UNKNOWN
        if self.why_inconclusive is None or index < self.why_inconclusive[0]:
            self.why_inconclusive = (index, reason)

    def merge(self, other: Stats) -> None:
        """Add the statistics of other schedules."""
        for name in (
            "schedules", "steps", "absorbed", "late", "stuck", "stuck_for_good", "inconclusive",
            "inode_reused", "started_anew", "repeated", "voided", "programs", "redundant",
        ):  # fmt: skip
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.histories = (self.histories + other.histories) & _MASK
        self.distinct.merge(other.distinct)
        self.classes.merge(other.classes)
        self.exercise.merge(other.exercise)
        self.claims = self.claims or other.claims
        for verdict, count in other.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + count
        for kind, count in other.violations.items():
            self.violations[kind] = self.violations.get(kind, 0) + count
        for name in ("found_at", "decision_steps", "decision_steps_own"):
            mine: dict[int, int] = getattr(self, name)
            for key, count in getattr(other, name).items():
                _raise(mine, key, count)
        for kind, finding in other.first.items():
            if kind not in self.first or finding.schedule_index < self.first[kind].schedule_index:
                self.first[kind] = finding
        reasons = [why for why in (self.why_inconclusive, other.why_inconclusive) if why is not None]
        self.why_inconclusive = min(reasons, default=None)
        for name, part in other.parts.items():
            self.parts.setdefault(name, Part()).merge(part)
        self.workers.update(other.workers)
        for process, most in other.peak_bytes.items():
            self.peak_bytes[process] = max(most, self.peak_bytes.get(process, 0))
        if other.each is not None:
            self.each = {} if self.each is None else self.each
            self.each.update(other.each)
        self._merge_named(other)

    def _merge_named(self, other: Stats) -> None:
        """Add what stands under names that few searches have."""
        for runner, numbers in other.ran.items():
            self.ran_by(runner, (range(*one) for one in numbers))
        for label, kinds in other.violating.items():
            known = self.violating.setdefault(label, {})
            for kind, count in kinds.items():
                known[kind] = known.get(kind, 0) + count


def _raise(counts: dict[int, int], key: int, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
