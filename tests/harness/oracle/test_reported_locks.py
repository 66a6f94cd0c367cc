"""Tests of `harness.oracle.reported_locks`: double holds that reports prove, and cases that prove none."""

from __future__ import annotations

import pytest

from fence.locks import KINDS
from harness.model.history import (
    Absent,
    Change,
    End,
    Event,
    Header,
    History,
    Invoke,
    LaneInfo,
    Return,
    State,
    Step,
)
from harness.model.policy import POLICIES
from harness.oracle import Violation, judge

LANES = (
    LaneInfo("runner", "runner", "gateway", True),
    LaneInfo("heartbeat", "heartbeat", "gateway", True),
    LaneInfo("cron", "cron", "cron", True),
    LaneInfo("editor", "editor", "shell", False),
)
RUNNER, HEARTBEAT, CRON, EDITOR = range(4)
TimedCall = tuple[int, str, int, int] | tuple[int, str, int, int, str]


def _twice(first: int) -> tuple[TimedCall, ...]:
    """Return sections that overlap: a lane is granted the lock at 20, the heartbeat at 30; both write."""
    return (
        (first, "acquire", 10, 20),
        (HEARTBEAT, "acquire", 15, 30),
        (first, "append", 40, 50),
        (HEARTBEAT, "append", 60, 70),
        (first, "release", 80, 90),
        (HEARTBEAT, "release", 85, 95),
    )


TWICE = _twice(CRON)


def _judged(calls: tuple[TimedCall, ...], lock_kind: str = "sidecar", gate: str = "free") -> list[Violation]:
    ops = dict.fromkeys(range(len(LANES)), -1)
    timed: list[tuple[int, int, Event]] = []
    for lane, kind, begin, end, *rest in calls:
        ops[lane] += 1
        op, outcome = ops[lane], rest[0] if rest else "ok"
        change = None
        if kind in ("append", "action", "guarded_write") and outcome == "ok":
            change = Change(State("f0", f"{begin}", 1), State("f0", f"{end}", 2), True)
        step = Step(lane, op, kind, "T", change=change, begin_ns=begin, end_ns=end)
        timed.append((begin, len(timed), Invoke(lane, op, kind, at_ns=begin)))
        timed.append((end, len(timed), step))
        if outcome != "never":
            timed.append((end, len(timed), Return(lane, op, outcome, at_ns=end)))
    events = tuple(event for *_, event in sorted(timed, key=lambda one: one[:2]))
    rules = dict(POLICIES["coordinated"].rules)
    header = Header("s", "f", gate, "", "coordinated", rules, 0, 0, LANES, Absent, lock_kind=lock_kind)
    judgement = judge(History(header, (*events, End(Absent, inconclusive="two lanes had it")), {}))
    assert judgement.inconclusive and not judgement.decisions
    return list(judgement.violations)


def _without(*left_out: int) -> tuple[TimedCall, ...]:
    return tuple(call for place, call in enumerate(TWICE) if place not in left_out)


def _with(place: int, call: TimedCall) -> tuple[TimedCall, ...]:
    return (*TWICE[:place], call, *TWICE[place + 1 :])


@pytest.mark.parametrize("lock_kind", ["sidecar", "mkdir", "flock", "record"])
def test_two_reported_holders_that_both_wrote_are_a_double_hold(lock_kind: str) -> None:
    (found,) = _judged(TWICE, lock_kind)
    assert (found.kind, found.lane) == ("double_hold", HEARTBEAT)
    assert found.detail == (
        "heartbeat was granted the write lock while cron had been granted it too, "
        "and cron then changed the transcript"
    )


def test_these_tests_know_every_lock_kind() -> None:
    assert set(KINDS) == {"sidecar", "mkdir", "flock", "record", "none"}


def test_two_at_once_are_no_double_hold_where_there_is_no_lock() -> None:
    assert _judged(TWICE, "none") == []


def test_the_causes_are_both_returns_and_the_write() -> None:
    (found,) = _judged(TWICE)
    assert found.at in found.causes and len(found.causes) == 3


@pytest.mark.parametrize(
    ("lock_kind", "proved"), [("sidecar", True), ("mkdir", True), ("flock", False), ("record", False)]
)
def test_file_locks_need_a_write_of_the_other_lane_too(lock_kind: str, proved: bool) -> None:
    assert bool(_judged(_without(3), lock_kind)) is proved
    # A write after the other began to release proves nothing either.
    assert bool(_judged(_with(3, (HEARTBEAT, "append", 75, 82)), lock_kind)) is proved


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(_without(2), id="it did not write"),
        pytest.param(_with(2, (CRON, "append", 40, 50, "stale_lock")), id="it noticed and was refused"),
        pytest.param(_with(2, (CRON, "append", 25, 50)), id="it wrote before the other got the lock"),
        pytest.param(
            _with(1, (HEARTBEAT, "acquire", 15, 82)),
            id="the other got the lock after its release began",
        ),
        pytest.param(_with(1, (HEARTBEAT, "acquire", 15, 30, "lock_timeout")), id="the other was refused"),
        pytest.param(_with(1, (HEARTBEAT, "acquire", 15, 30, "never")), id="the other never returned"),
        pytest.param(_with(2, (CRON, "load", 40, 50)), id="it read"),
        pytest.param(_with(2, (CRON, "rewrite", 40, 50)), id="its rewrite changed nothing"),
    ],
)
def test_weaker_evidence_proves_no_double_hold(calls: tuple[TimedCall, ...]) -> None:
    assert _judged(calls) == []


def test_lanes_of_one_process_may_share_a_lock() -> None:
    assert _judged(_twice(RUNNER)) == []


@pytest.mark.parametrize(
    ("at", "proved"),
    [((1, 9), True), ((5, 10), False), ((18, 25), False), ((30, 90), False), ((31, 90), True)],
)
def test_a_rogue_in_between_may_have_removed_the_lock(at: tuple[int, int], proved: bool) -> None:
    assert bool(_judged((*TWICE, (EDITOR, "action", *at)))) is proved


def test_a_rogue_without_return_may_have_removed_the_lock() -> None:
    assert _judged((*TWICE, (EDITOR, "action", 5, 6, "never"))) == []


def test_releasing_for_a_prompt_ends_the_section() -> None:
    turn = ((RUNNER, "begin_turn", 1, 5), (RUNNER, "load", 6, 8), (RUNNER, "release_for_prompt", 9, 12))
    late = ((CRON, "acquire", 3, 20), (CRON, "append", 21, 25), (CRON, "release", 26, 30))
    assert _judged((*turn, *late, (RUNNER, "guarded_write", 40, 50))) == []
    # During the load the runner was inside its section.
    early = ((CRON, "acquire", 1, 4), (CRON, "append", 6, 8), (CRON, "release", 9, 12))
    (found,) = _judged((*turn, *early))
    assert found.lane == RUNNER


def test_pauses_end_no_section() -> None:
    (found,) = _judged((*TWICE[:2], (CRON, "pause", 22, 36), *TWICE[2:]))
    assert found.lane == HEARTBEAT


def test_each_overlapping_section_is_reported() -> None:
    third = ((RUNNER, "begin_turn", 12, 35),)
    found = _judged((*TWICE, *third))
    assert [one.lane for one in found] == [HEARTBEAT, RUNNER]


def test_the_kernel_gate_ignores_reports_of_fences() -> None:
    assert _judged(TWICE, gate="kernel") == []
