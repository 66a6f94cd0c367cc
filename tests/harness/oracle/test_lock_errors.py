"""Errors about the lock, on either side of what the history of the lock allows."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.history import IN_REAL_TIME, History
from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, LANES, RUNNER, Story


def false(history: History) -> list[tuple[int, str]]:
    found = judge(history).violations
    return [(one.lane, one.detail) for one in found if one.kind == "false_lock_error"]


def give_up(
    story: Story, lane: int, outcome: str = "lock_timeout", kind: str = "acquire", waited_ms: int = -1
) -> None:
    story.call(lane, kind)
    story.look(lane, "openat", "T.lock")
    story.look(lane, "sleep", "")
    story.look(lane, "openat", "T.lock")
    story.done(lane, outcome, waited_ms=waited_ms)


def asked(history: History, wait_ms: int) -> History:
    """Return the history of a scenario that asks its lanes to wait for so long."""
    header = msgspec.structs.replace(history.header, lock_timeout_ms=wait_ms)
    return msgspec.structs.replace(history, header=header)


def hold(story: Story, lane: int) -> None:
    with story.op(lane, "acquire"):
        story.lock(lane, "acquired")


def let_go(story: Story, lane: int) -> None:
    with story.op(lane, "release"):
        story.lock(lane, "released")


def test_time_out_on_a_free_lock_is_false() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON)
    ((lane, detail),) = false(story.history())
    assert lane == CRON and "no other lane had the lock" in detail


def test_time_out_while_another_lane_held_the_lock_is_no_violation() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    give_up(story, CRON)
    let_go(story, HEARTBEAT)
    assert false(story.history()) == []


def test_time_out_is_true_even_if_the_holder_left_during_the_call() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    story.call(CRON, "acquire")
    let_go(story, HEARTBEAT)
    story.look(CRON, "openat", "T.lock")
    story.done(CRON, "lock_timeout")
    assert false(story.history()) == []


def test_time_out_without_any_known_lock_is_not_judged() -> None:
    story = Story()
    give_up(story, CRON)
    assert false(story.history()) == []


def test_time_out_after_a_rogue_touched_the_lock_is_not_judged() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    with story.op(EDITOR, "action"):
        story.look(EDITOR, "unlink", "T.lock")
    give_up(story, CRON)
    assert false(story.history()) == []


def test_stale_lock_without_a_reclaim_is_false() -> None:
    story = Story()
    hold(story, CRON)
    with story.op(CRON, "release", outcome="stale_lock"):
        story.lock(CRON, "released")
    ((lane, detail),) = false(story.history())
    assert lane == CRON and "held the lock all the time" in detail


def test_stale_lock_after_a_reclaim_is_true() -> None:
    story = Story()
    hold(story, CRON)
    story.call(HEARTBEAT, "acquire")
    story.lock(HEARTBEAT, "reclaimed", CRON)
    story.lock(HEARTBEAT, "acquired")
    story.done(HEARTBEAT)
    with story.op(CRON, "release", outcome="stale_lock"):
        story.look(CRON, "openat", "T.lock")
    assert false(story.history()) == []


def test_release_of_a_lock_never_had_may_say_stale() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    with story.op(CRON, "release", outcome="stale_lock"):
        pass
    assert false(story.history()) == []


def test_time_out_at_once_is_false_where_the_scenario_asks_to_wait() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    with story.op(RUNNER, "begin_turn", outcome="lock_timeout"):
        story.look(RUNNER, "openat", "T.lock")
    history = story.history()
    assert false(history) == []
    ((lane, detail),) = false(asked(history, 500))
    assert lane == RUNNER and "to wait for 500 ms" in detail


def test_time_out_after_a_sleep_is_true() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    give_up(story, CRON)
    assert false(asked(story.history(), 500)) == []


@pytest.mark.parametrize(("waited_ms", "count"), [(0, 1), (249, 1), (250, 0), (500, 0), (9000, 0), (-1, 0)])
def test_time_out_before_half_of_the_time_is_false(waited_ms: int, count: int) -> None:
    story = Story()
    hold(story, HEARTBEAT)
    give_up(story, CRON, waited_ms=waited_ms)
    details = [detail for _, detail in false(asked(story.history(), 500))]
    told = f"cron reports a time-out from its acquire after {waited_ms} ms, though it was to wait for 500 ms"
    assert details == [told] * count


def test_a_time_out_after_a_wait_in_real_time_is_not_judged_by_its_length() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    story.call(CRON, "acquire")
    story.look(CRON, "openat", "T.lock")
    story.done(CRON, "lock_timeout", waited_ms=IN_REAL_TIME)
    assert false(asked(story.history(), 500)) == []


def test_a_time_out_on_a_free_lock_is_false_in_real_time_too() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON, waited_ms=IN_REAL_TIME)
    assert len(false(asked(story.history(), 500))) == 1


def test_an_early_time_out_is_true_where_no_time_is_asked_for() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    give_up(story, CRON, waited_ms=0)
    assert false(story.history()) == []


def test_an_early_time_out_after_a_process_was_stopped_is_not_judged() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    story.look(HEARTBEAT, "stop", "", fault="stop")
    give_up(story, CRON, waited_ms=10)
    assert false(asked(story.history(), 500)) == []


def test_time_out_after_the_lane_got_the_lock_is_false() -> None:
    story = Story()
    story.call(RUNNER, "begin_turn")
    story.lock(RUNNER, "acquired")
    story.lock(RUNNER, "released")
    story.done(RUNNER, "lock_timeout")
    assert len(false(story.history())) == 1


def test_time_out_of_a_lane_that_waits_for_itself_is_not_judged() -> None:
    story = Story()
    hold(story, CRON)
    give_up(story, CRON)
    assert false(story.history()) == []


def test_a_false_lock_error_names_call_lane_and_operation() -> None:
    story = Story()
    hold(story, CRON)
    with story.op(CRON, "release", outcome="stale_lock"):
        story.lock(CRON, "released")
    (found,) = [one for one in judge(story.history()).violations if one.kind == "false_lock_error"]
    returned = len(story.events) - 1
    assert (found.at, found.lane, found.op) == (returned, CRON, 1)
    assert found.detail == "cron reports a stale lock from its release, though it held the lock all the time"


def test_lock_errors_under_the_free_gate_are_not_judged() -> None:
    story = Story(gate="free")
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON)
    assert false(story.history()) == []


def test_a_lane_after_a_rogue_and_a_call_after_a_good_one_are_judged() -> None:
    story = Story(lanes=(LANES[EDITOR], LANES[CRON]))
    story.touch(0)
    hold(story, 1)
    let_go(story, 1)
    give_up(story, 1)
    assert [lane for lane, _ in false(story.history())] == [1]


def test_every_false_lock_error_is_reported() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON)
    give_up(story, CRON, kind="guarded_write")
    give_up(story, RUNNER, kind="begin_turn")
    assert [lane for lane, _ in false(story.history())] == [CRON, CRON, RUNNER]


def test_a_release_may_time_out_on_a_free_lock() -> None:
    """Only calls that set out to take the lock are told that they waited for it."""
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON, kind="release")
    assert false(story.history()) == []


@pytest.mark.parametrize("kind", ["hollow", "returned"])
def test_an_owner_that_is_not_plain_is_not_judged(kind: str) -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
        story.lock(HEARTBEAT, kind)
        story.lock(HEARTBEAT, "released")
    give_up(story, CRON)
    assert false(story.history()) == []


@pytest.mark.parametrize("owner", [-1, HEARTBEAT])
def test_a_lock_left_from_before_the_schedule_is_not_judged(owner: int) -> None:
    story = Story()
    if owner >= 0:
        hold(story, HEARTBEAT)
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "reclaimed", owner)
        story.lock(RUNNER, "acquired")
        story.lock(RUNNER, "released")
    give_up(story, CRON)
    assert [lane for lane, _ in false(story.history())] == ([] if owner < 0 else [CRON])


def test_a_release_by_another_lane_is_not_judged() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, CRON)
    let_go(story, HEARTBEAT)
    give_up(story, CRON)
    assert false(story.history()) == []


def test_a_blocked_attempt_takes_no_lock() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    story.call(RUNNER, "begin_turn")
    story.lock(RUNNER, "blocked")
    let_go(story, HEARTBEAT)
    story.lock(RUNNER, "acquired")
    story.lock(RUNNER, "released")
    story.done(RUNNER)
    give_up(story, CRON)
    assert [lane for lane, _ in false(story.history())] == [CRON]


@pytest.mark.parametrize("rogue", [False, True])
def test_only_a_rogue_beside_the_lock_ends_the_judgement(rogue: bool) -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    lane = EDITOR if rogue else HEARTBEAT
    with story.op(lane, "action" if rogue else "load"):
        story.look(lane, "unlink", "T.lock")
    story.touch(EDITOR)
    give_up(story, CRON)
    assert len(false(story.history())) == (0 if rogue else 1)


@pytest.mark.parametrize("outcome", ["lock_timeout", "stale_lock"])
def test_a_holder_at_the_first_and_the_last_moment_counts(outcome: str) -> None:
    for early in (True, False):
        story = Story()
        if early:
            hold(story, HEARTBEAT)
        story.call(CRON, "acquire")
        if early:
            let_go(story, HEARTBEAT)
        else:
            story.call(HEARTBEAT, "acquire")
            story.lock(HEARTBEAT, "acquired")
        story.done(CRON, outcome)
        assert false(story.history()) == []


def test_a_lock_that_is_never_released_is_held_to_the_end() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    story.add(HEARTBEAT, "h")
    give_up(story, CRON)
    assert false(story.history()) == []


def test_a_fault_in_the_call_excuses_the_error() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    with story.op(CRON, "acquire", outcome="lock_timeout"):
        story.look(CRON, "openat", "T.lock", fault="EIO")
    assert false(story.history()) == []


@pytest.mark.parametrize("before", [True, False])
def test_a_process_fault_before_the_return_excuses_the_error(before: bool) -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)

    def stop() -> None:
        with story.op(HEARTBEAT, "load"):
            story.look(HEARTBEAT, "stop", "", fault="stop")

    if before:
        stop()
    give_up(story, CRON)
    if not before:
        stop()
    assert len(false(story.history())) == (0 if before else 1)


def test_stale_lock_from_a_call_that_takes_a_free_lock_is_false() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    give_up(story, CRON, "stale_lock")
    ((lane, detail),) = false(story.history())
    assert lane == CRON and "reports a stale lock from its acquire, though no" in detail


def test_stale_lock_while_another_lane_has_it_is_true() -> None:
    story = Story()
    hold(story, HEARTBEAT)
    give_up(story, CRON, "stale_lock")
    assert false(story.history()) == []


@pytest.mark.parametrize(("asked_ms", "lanes"), [(4, []), (5, [RUNNER])])
def test_half_of_the_asked_time_may_lie_between_steps(asked_ms: int, lanes: list[int]) -> None:
    """The two steps last one millisecond each."""
    story = Story()
    hold(story, HEARTBEAT)
    with story.op(RUNNER, "begin_turn", outcome="lock_timeout"):
        story.look(RUNNER, "openat", "T.lock")
        story.look(RUNNER, "openat", "T.lock")
    history = story.history()
    header = msgspec.structs.replace(history.header, lock_timeout_ms=asked_ms, step_ms=1)
    found = false(msgspec.structs.replace(history, header=header))
    assert [lane for lane, _ in found] == lanes
    assert all("after 2 ms at most, though it was to wait for 5 ms" in detail for _, detail in found)


@pytest.mark.parametrize(
    ("call", "waited"), [("sleep", True), ("flock", True), ("turn", True), ("read", False)]
)
def test_calls_in_which_a_lane_waits_excuse_an_early_time_out(call: str, waited: bool) -> None:
    story = Story()
    hold(story, HEARTBEAT)
    with story.op(RUNNER, "begin_turn", outcome="lock_timeout"):
        story.look(RUNNER, call, "T.lock")
    history = story.history()
    header = msgspec.structs.replace(history.header, lock_timeout_ms=500)
    assert bool(false(msgspec.structs.replace(history, header=header))) == (not waited)


def test_a_time_out_without_a_step_or_after_a_block_may_have_waited() -> None:
    for blocks in (False, True):
        story = Story()
        hold(story, HEARTBEAT)
        with story.op(RUNNER, "begin_turn", outcome="lock_timeout"):
            if blocks:
                story.lock(RUNNER, "blocked")
        history = story.history()
        header = msgspec.structs.replace(history.header, lock_timeout_ms=500)
        assert false(msgspec.structs.replace(history, header=header)) == []


@pytest.mark.parametrize("stays", [False, True])
def test_the_first_lane_holds_the_lock_like_any_other(stays: bool) -> None:
    story = Story()
    hold(story, HEARTBEAT)
    let_go(story, HEARTBEAT)
    hold(story, RUNNER)
    story.call(CRON, "acquire")
    story.look(CRON, "sleep", "")
    if not stays:
        let_go(story, RUNNER)
    story.done(CRON, "lock_timeout")
    assert false(story.history()) == []
    give_up(story, HEARTBEAT)
    assert bool(false(story.history())) == (not stays)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        *((kind, "though it had the lock itself") for kind in ("load", "append", "rewrite", "release")),
        ("release_for_prompt", "though it had the lock itself"),
        ("end_turn", "though it had the lock itself"),
        ("guarded_write", ""),
        ("recover", ""),
    ],
)
def test_a_lane_that_has_the_lock_waits_for_none(kind: str, told: str) -> None:
    story = Story()
    hold(story, RUNNER)
    with story.op(RUNNER, kind, outcome="lock_timeout"):
        story.look(RUNNER, "openat", "T")
        story.look(RUNNER, "openat", "T.lock")
    found = false(story.history())
    assert [lane for lane, _ in found] == ([RUNNER] if told else [])
    assert all(told in detail for _, detail in found)


@pytest.mark.parametrize(("call", "path"), [("openat", "tmp1"), ("sleep", ""), ("flock", "T.lock")])
def test_a_lane_that_has_the_lock_may_wait_for_another_one(call: str, path: str) -> None:
    story = Story()
    hold(story, RUNNER)
    with story.op(RUNNER, "append", outcome="lock_timeout"):
        story.look(RUNNER, call, path)
    assert false(story.history()) == []


@pytest.mark.parametrize("kind", ["recover", "end_turn"])
@pytest.mark.parametrize("outcome", ["lock_timeout", "stale_lock"])
def test_a_clean_up_or_recovery_meets_a_lock_that_is_there(kind: str, outcome: str) -> None:
    for held in (False, True):
        story = Story()
        hold(story, HEARTBEAT)
        if not held:
            let_go(story, HEARTBEAT)
        give_up(story, RUNNER, outcome, kind=kind)
        assert [lane for lane, _ in false(story.history())] == ([] if held else [RUNNER])
