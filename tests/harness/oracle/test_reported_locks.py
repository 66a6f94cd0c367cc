"""Double holds that lanes' own words prove, and what only looks like one."""

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
Told = tuple[int, str, int, int] | tuple[int, str, int, int, str]


def _twice(first: int) -> tuple[Told, ...]:
    """Stays that overlap: a lane is told at 20, the heartbeat at 30; the lane writes, then the heartbeat."""
    return (
        (first, "acquire", 10, 20),
        (HEARTBEAT, "acquire", 15, 30),
        (first, "append", 40, 50),
        (HEARTBEAT, "append", 60, 70),
        (first, "release", 80, 90),
        (HEARTBEAT, "release", 85, 95),
    )


TWICE = _twice(CRON)


def _judged(calls: tuple[Told, ...], lock_kind: str = "sidecar", gate: str = "free") -> list[Violation]:
    ops = dict.fromkeys(range(len(LANES)), -1)
    timed: list[tuple[int, int, Event]] = []
    for lane, kind, begin, end, *told in calls:
        ops[lane] += 1
        op, outcome = ops[lane], told[0] if told else "ok"
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


def _without(*left_out: int) -> tuple[Told, ...]:
    return tuple(call for place, call in enumerate(TWICE) if place not in left_out)


def _with(place: int, call: Told) -> tuple[Told, ...]:
    return (*TWICE[:place], call, *TWICE[place + 1 :])


@pytest.mark.parametrize("lock_kind", ["sidecar", "mkdir", "flock", "record"])
def test_two_who_were_told_and_both_wrote_had_the_lock_at_once(lock_kind: str) -> None:
    (found,) = _judged(TWICE, lock_kind)
    assert (found.kind, found.lane) == ("double_hold", HEARTBEAT)
    assert found.detail == (
        "heartbeat was granted the write lock while cron had been granted it too, "
        "and cron then changed the transcript"
    )


def test_each_kind_of_lock_is_one_of_these() -> None:
    assert set(KINDS) == {"sidecar", "mkdir", "flock", "record"}


def test_the_witnesses_of_a_double_hold_are_both_returns_and_the_write() -> None:
    (found,) = _judged(TWICE)
    assert found.at in found.causes and len(found.causes) == 3


@pytest.mark.parametrize(
    ("lock_kind", "proved"), [("sidecar", True), ("mkdir", True), ("flock", False), ("record", False)]
)
def test_a_file_that_nobody_finds_any_more_keeps_nobody_out_and_proves_nothing_before_its_lane_writes(
    lock_kind: str, proved: bool
) -> None:
    assert bool(_judged(_without(3), lock_kind)) is proved
    # Nor does a write after the other began to let go.
    assert bool(_judged(_with(3, (HEARTBEAT, "append", 75, 82)), lock_kind)) is proved


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(_without(2), id="it did not write"),
        pytest.param(_with(2, (CRON, "append", 40, 50, "stale_lock")), id="it noticed and was refused"),
        pytest.param(_with(2, (CRON, "append", 25, 50)), id="its write began before the other was told"),
        pytest.param(
            _with(1, (HEARTBEAT, "acquire", 15, 82)), id="the other was told after it began to let go"
        ),
        pytest.param(_with(1, (HEARTBEAT, "acquire", 15, 30, "lock_timeout")), id="the other was told no"),
        pytest.param(_with(1, (HEARTBEAT, "acquire", 15, 30, "never")), id="the other was never told"),
        pytest.param(_with(2, (CRON, "load", 40, 50)), id="it read"),
    ],
)
def test_less_than_that_proves_nothing(calls: tuple[Told, ...]) -> None:
    assert _judged(calls) == []


def test_lanes_of_one_process_may_share_a_lock() -> None:
    assert _judged(_twice(RUNNER)) == []


@pytest.mark.parametrize(
    ("at", "proved"),
    [((1, 9), True), ((5, 10), False), ((18, 25), False), ((30, 90), False), ((31, 90), True)],
)
def test_a_rogue_in_between_may_have_removed_the_lock(at: tuple[int, int], proved: bool) -> None:
    assert bool(_judged((*TWICE, (EDITOR, "action", *at)))) is proved


def test_a_rogue_that_never_came_back_may_have_removed_it_at_any_time() -> None:
    assert _judged((*TWICE, (EDITOR, "action", 5, 6, "never"))) == []


def test_a_prompt_for_which_the_lock_was_let_go_ends_the_stay() -> None:
    turn = ((RUNNER, "begin_turn", 1, 5), (RUNNER, "load", 6, 8), (RUNNER, "release_for_prompt", 9, 12))
    late = ((CRON, "acquire", 3, 20), (CRON, "append", 21, 25), (CRON, "release", 26, 30))
    assert _judged((*turn, *late, (RUNNER, "guarded_write", 40, 50))) == []
    # While it was loading, it was inside.
    early = ((CRON, "acquire", 1, 4), (CRON, "append", 6, 8), (CRON, "release", 9, 12))
    (found,) = _judged((*turn, *early))
    assert found.lane == RUNNER


def test_pauses_end_no_stay() -> None:
    (found,) = _judged((*TWICE[:2], (CRON, "pause", 22, 36), *TWICE[2:]))
    assert found.lane == HEARTBEAT


def test_each_stay_too_many_is_told() -> None:
    third = ((RUNNER, "begin_turn", 12, 35),)
    found = _judged((*TWICE, *third))
    assert [one.lane for one in found] == [HEARTBEAT, RUNNER]


def test_under_the_kernel_gate_nobodys_word_is_taken() -> None:
    assert _judged(TWICE, gate="kernel") == []
