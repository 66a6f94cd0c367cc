"""Statistics add up to the same sum however schedules were dealt out."""

from __future__ import annotations

import random
from functools import reduce

import msgspec
import pytest

from harness.explore.messages import decode_finding, encode_finding
from harness.model.history import Absent, End, Header, History, Invoke, LaneInfo, Return, Step
from harness.model.program import Filesystem, Program
from harness.model.schedule import Choice, Schedule
from harness.oracle import COUNTED, Decision, Judgement, Violation
from harness.results.stats import UNKNOWN, VIOLATIONS, Part, Stats

PROGRAM = Program((), (), Filesystem(), 0)


def history(index: int) -> History:
    header = Header("s", "f", "kernel", ("random", "surw")[index % 2], "p", {}, 1, index, (), Absent)
    return History(header, (End(Absent),))


def schedule(steps: int) -> Schedule:
    return Schedule(tuple(Choice(0, 0, n) for n in range(steps)))


def violation(kind: str) -> Violation:
    return Violation(kind, 0, 0, 0, "because")


def add(stats: Stats, index: int, judgement: Judgement, steps: int = 3) -> None:
    stats.add(index, PROGRAM, schedule(steps), history(index), judgement)


def drawn(index: int) -> tuple[Judgement, int]:
    """A judgement and a length for one schedule."""
    rng = random.Random(index)
    decisions = tuple(
        Decision(
            0, 0, n, rng.choice([*COUNTED, "uncounted"]),
            kind=rng.choice(["", "absorbed"]), late=rng.choice([0, 2]), stuck=rng.choice([0, 3]),
            way_out=rng.random() < 0.5,
        )
        for n in range(rng.randrange(4))
    )  # fmt: skip
    kinds = rng.choices(VIOLATIONS, k=rng.randrange(3))
    why = rng.choice(["", "", "", f"reason {index}"])
    return Judgement(decisions, tuple(map(violation, kinds)), why), rng.randrange(20)


def tally_of(indices: list[int]) -> Stats:
    stats = Stats()
    for index in indices:
        judgement, steps = drawn(index)
        add(stats, index, judgement, steps)
        stats.inode_reused += index % 3 == 0
        stats.repeated += index % 5 == 0
    return stats


def test_new_statistics_are_empty_and_name_every_verdict() -> None:
    stats = Stats()
    assert stats.verdicts == dict.fromkeys(COUNTED, 0)
    assert (stats.schedules, stats.steps, stats.violations, stats.first) == (0, 0, {}, {})


def test_two_statistics_share_nothing() -> None:
    one, other = Stats(), Stats()
    add(one, 0, Judgement((Decision(0, 0, 0, "racing"),), (violation("crash"),)))
    assert other.verdicts["racing"] == 0
    assert other.violations == other.first == {}


def test_schedules_steps_and_verdicts_are_counted() -> None:
    stats = Stats()
    decisions = (
        Decision(0, 0, 0, "true_positive"),
        Decision(0, 0, 1, "racing"),
        Decision(0, 0, 2, "uncounted"),
    )
    add(stats, 0, Judgement(decisions), 5)
    add(stats, 1, Judgement(decisions[:1]), 7)
    assert (stats.schedules, stats.steps) == (2, 12)
    assert stats.verdicts == dict.fromkeys(COUNTED, 0) | {"true_positive": 2, "racing": 1}


def test_absorbed_late_and_stuck_decisions_are_counted_apart() -> None:
    stats = Stats()
    decisions = (
        Decision(0, 0, 0, "missed_takeover", kind="absorbed"),
        Decision(0, 0, 1, "missed_takeover"),
        Decision(0, 0, 2, "true_positive", late=2),
        Decision(0, 0, 3, "false_positive", stuck=2, way_out=True),
        Decision(0, 0, 4, "false_positive", stuck=3),
        Decision(0, 0, 5, "false_positive"),
    )
    add(stats, 0, Judgement(decisions))
    assert (stats.absorbed, stats.late, stats.stuck, stats.stuck_for_good) == (1, 1, 5, 1)


def test_a_kind_of_violation_counts_once_a_schedule() -> None:
    stats = Stats()
    add(stats, 4, Judgement((), (violation("crash"), violation("crash"), violation("dead_end"))))
    add(stats, 5, Judgement((), (violation("crash"),)))
    assert stats.violations == {"crash": 2, "dead_end": 1}


@pytest.mark.parametrize("order", [(3, 7, 5), (7, 5, 3), (5, 3, 7)])
def test_the_lowest_index_is_kept_for_each_kind(order: tuple[int, ...]) -> None:
    stats = Stats()
    for index in order:
        add(stats, index, Judgement((), (violation("crash"),), f"reason {index}"), steps=index)
    finding = stats.first["crash"]
    assert (finding.kind, finding.schedule_index) == ("crash", 3)
    assert finding.history == history(3)
    assert finding.schedule == schedule(3)
    assert finding.judgement.inconclusive == "reason 3"
    assert stats.why_inconclusive == (3, "reason 3")
    assert stats.inconclusive == 3


@pytest.mark.parametrize("explorers", [1, 2, 3, 7])
def test_the_sum_does_not_depend_on_the_dealing(explorers: int) -> None:
    whole = tally_of(list(range(60)))
    parts = [tally_of(list(range(first, 60, explorers))) for first in range(explorers)]
    for order in (parts, parts[::-1]):
        total = reduce(lambda sum_, part: sum_.merge(part) or sum_, order, Stats())
        for field in msgspec.structs.fields(Stats):
            assert getattr(total, field.name) == getattr(whole, field.name), field.name


def test_the_curve_counts_violating_schedules() -> None:
    stats = Stats()
    for index in range(10):
        add(stats, index, Judgement((), (violation("crash"),) if index in (0, 3, 8) else ()))
    assert stats.found_curve() == [(1, 1), (2, 1), (4, 2), (8, 2), (10, 3)]
    assert Stats().found_curve() == []


def test_a_decision_takes_the_steps_from_begin_to_end() -> None:
    events = (
        Step(0, 0, "read", "T"),
        Invoke(0, 1, "guarded_write", 0),
        Step(0, 1, "openat", "T"),
        Invoke(1, 0, "append"),
        Step(1, 0, "write", "T"),
        Return(1, 0, "ok"),
        Step(0, 1, "close", "T"),
        Return(0, 1, "ok"),
        End(Absent),
    )
    stats = Stats()
    header = history(0).header
    lanes = (LaneInfo("a", "runner", "p", True), LaneInfo("b", "cron", "q", True))
    told = History(msgspec.structs.replace(header, lanes=lanes), events)
    decision = Decision(0, 0, 1, "true_negative", at=7)
    stats.add(0, PROGRAM, schedule(4), told, Judgement((decision, Decision(0, 0, 1, "uncounted", at=7))))
    assert stats.decision_steps == {3: 1}
    assert stats.decision_steps_own == {2: 1}


def test_findings_are_counted_by_strategy() -> None:
    stats = Stats()
    for index, kinds in (
        (0, ()),
        (1, ("crash", "crash")),
        (5, ("dead_end", "crash")),
        (4, ("crash",)),
        (7, ()),
    ):
        add(stats, index, Judgement((), tuple(map(violation, kinds))))
    assert stats.parts == {
        "random": Part(2, 1, 4, {"crash": 1}),
        "surw": Part(3, 2, 1, {"crash": 2, "dead_end": 1}),
    }


def test_merging_does_not_share_parts() -> None:
    one, other = Stats(), Stats()
    add(other, 1, Judgement((), (violation("crash"),)))
    one.merge(other)
    one.merge(other)
    assert (one.parts["surw"].schedules, one.parts["surw"].violations) == (2, {"crash": 2})
    assert (other.parts["surw"].schedules, other.parts["surw"].violations) == (1, {"crash": 1})


def test_every_number_is_merged() -> None:
    """A new field must not be forgotten."""
    one = Stats()
    for field in msgspec.structs.fields(Stats):
        if isinstance(getattr(one, field.name), int):
            setattr(one, field.name, 2)
    total = Stats()
    total.merge(one)
    total.merge(one)
    numbers = {f.name: getattr(total, f.name) for f in msgspec.structs.fields(Stats) if f.type is int}
    assert numbers
    assert set(numbers.values()) == {4}, numbers


def test_merging_does_not_change_the_other() -> None:
    one, other = tally_of([1, 2, 3]), tally_of([4, 5])
    before = msgspec.msgpack.encode(other.verdicts), dict(other.violations), other.schedules
    one.merge(other)
    assert (msgspec.msgpack.encode(other.verdicts), other.violations, other.schedules) == before


def test_usage_is_kept_by_worker_process() -> None:
    one, other = Stats(), Stats()
    one.workers = {"p": {"rss_bytes": 1}}
    other.workers = {"q": {"rss_bytes": 2}}
    one.merge(other)
    assert one.workers == {"p": {"rss_bytes": 1}, "q": {"rss_bytes": 2}}


def test_statistics_survive_the_pipe_between_processes() -> None:
    stats = tally_of(list(range(30)))
    assert decode_finding(encode_finding(stats), Stats) == stats


def _each(stats: Stats, *found: tuple[int, tuple[str, ...], str]) -> Stats:
    for index, kinds, doubt in found:
        add(stats, index, Judgement((), tuple(map(violation, kinds)), doubt))
    return stats


def test_each_keeps_the_violations_of_every_schedule() -> None:
    found = ((3, ("crash", "crash"), ""), (4, (), ""), (5, ("crash",), "not known"))
    stats = _each(Stats(each={}), *found)
    assert stats.each == {3: ("crash",), 4: (), 5: UNKNOWN}
    stats.doubt(4, "run twice, it differs")
    stats.doubt(-1, "an explorer was lost")
    assert stats.each == {3: ("crash",), 4: UNKNOWN, 5: UNKNOWN}
    assert _each(Stats(), *found).each is None


def test_each_is_merged() -> None:
    total = Stats()
    total.merge(_each(Stats(each={}), (0, ("crash",), "")))
    part = _each(Stats(each={}), (1, (), ""))
    total.merge(part)
    assert total.each == {0: ("crash",), 1: ()}
    assert part.each == {1: ()}
