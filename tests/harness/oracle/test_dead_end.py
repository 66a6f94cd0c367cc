"""The oracle on dead ends, crashes, and inconclusive runs."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.errors import FormatError
from harness.model.history import History
from harness.oracle import COUNTED, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, lines


def test_lanes_that_wait_for_ever_are_a_dead_end() -> None:
    story = Story()
    story.call(CRON, "acquire")
    waiting = ((CRON, "T.lock"), (RUNNER, "T.lock"), (HEARTBEAT, "it sleeps in the kernel"))
    (violation,) = judge(story.history(waiting=waiting)).violations
    assert (violation.kind, violation.lane, violation.op) == ("dead_end", CRON, 0)
    assert violation.at == 1
    assert (
        "cron waits for T.lock; runner waits for T.lock; heartbeat sleeps in the kernel" in violation.detail
    )


def test_a_lock_left_behind_is_a_dead_end() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    (violation,) = judge(story.history(lock_owner=HEARTBEAT)).violations
    assert (violation.kind, violation.lane) == ("dead_end", HEARTBEAT)
    assert violation.detail == "lock left behind by lane heartbeat"


def _kept(timeout_ms: int, *after: str) -> Story:
    story = Story()
    story.header = msgspec.structs.replace(story.header, lock_timeout_ms=timeout_ms)
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    for kind in after:
        story.call(HEARTBEAT, kind)
    return story


def test_a_lock_that_its_caller_keeps_is_no_dead_end() -> None:
    assert judge(_kept(100, "append").history(lock_owner=HEARTBEAT)).violations == ()


def test_a_lock_of_a_lane_that_crashed_is_not_kept_on_purpose() -> None:
    story = _kept(100, "append")
    story.done(HEARTBEAT, "crash", "ValueError")
    found = [violation.kind for violation in judge(story.history(lock_owner=HEARTBEAT)).violations]
    assert sorted(found) == ["crash", "dead_end"]


def test_a_lane_that_waits_for_ever_for_a_kept_lock_is_a_dead_end() -> None:
    history = _kept(100).history(lock_owner=HEARTBEAT, waiting=((CRON, "T.lock"),))
    (violation,) = judge(history).violations
    assert (violation.kind, violation.lane) == ("dead_end", CRON)


@pytest.mark.parametrize(("timeout_ms", "after"), [(100, ("append", "release")), (-1, ("append",))])
def test_a_lock_kept_against_its_caller_is_a_dead_end(timeout_ms: int, after: tuple[str, ...]) -> None:
    (violation,) = judge(_kept(timeout_ms, *after).history(lock_owner=HEARTBEAT)).violations
    assert violation.detail == "lock left behind by lane heartbeat"


def test_a_dead_end_names_the_last_call_of_its_lane() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    with story.op(HEARTBEAT, "release"):
        pass
    with story.op(RUNNER, "begin_turn"):
        pass
    (violation,) = judge(story.history(lock_owner=HEARTBEAT)).violations
    assert (violation.at, violation.op) == (len(story.events), 1)
    (violation,) = judge(story.history(waiting=((CRON, "T.lock"),))).violations
    assert (violation.lane, violation.op) == (CRON, -1)


def test_a_killed_lane_may_leave_its_lock() -> None:
    story = Story()
    story.call(HEARTBEAT, "acquire")
    story.lock(HEARTBEAT, "acquired")
    story.look(HEARTBEAT, fault="kill")
    assert judge(story.history(lock_owner=HEARTBEAT)).violations == ()
    assert len(judge(story.history(lock_owner=HEARTBEAT, waiting=((CRON, "T.lock"),))).violations) == 1


def test_a_crash_is_a_violation_with_its_message() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", outcome="crash", detail="KeyError: 'ino'"):
        story.look(RUNNER, "statx")
    judgement = judge(story.history())
    (violation,) = judgement.violations
    assert (violation.kind, violation.lane, violation.op) == ("crash", RUNNER, 3)
    assert "KeyError: 'ino'" in violation.detail
    assert judgement.decisions == ()


def test_a_lane_killed_by_the_gate_is_no_crash() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", outcome="crash", detail="process ended"):
        story.look(HEARTBEAT, "write", fault="kill")
    assert judge(story.history()).violations == ()


def test_an_inconclusive_run_reports_crashes_only() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    story.add(EDITOR, "x")
    story.admit("one")
    story.write(CRON, lines("first"), kind="rewrite")
    with story.op(RUNNER, "guarded_write", outcome="crash", detail="boom"):
        pass
    known = judge(story.history())
    assert {violation.kind for violation in known.violations} == {"missed_takeover", "lost_entry", "crash"}
    judgement = judge(story.history(inconclusive="the budget ended", waiting=((CRON, "T.lock"),)))
    assert judgement.inconclusive == "the budget ended"
    assert judgement.decisions == ()
    assert [violation.kind for violation in judgement.violations] == ["crash"]


def test_violations_come_in_the_order_of_the_events() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    story.refuse("one")
    story.write(CRON, lines("first"), kind="rewrite")
    story.add(EDITOR, "x")
    story.admit("two")
    kinds = [violation.kind for violation in judge(story.history(lock_owner=CRON)).violations]
    assert kinds == ["false_positive", "lost_entry", "missed_takeover", "dead_end"]


def test_counts_name_exactly_the_counted_verdicts() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.refuse("two")
    counts = judge(story.history()).counts()
    assert tuple(counts) == COUNTED
    assert counts["true_positive"] == sum(counts.values()) == 1


def test_a_policy_without_a_rule_is_refused_with_its_name() -> None:
    story = Story()
    rules = {name: rule for name, rule in story.header.policy_rules.items() if name != "reclaimed"}
    with pytest.raises(FormatError, match=r"policy_rules\.reclaimed: None, expected sanctioned"):
        judge(story.history(), rules)
    with pytest.raises(FormatError, match=r"policy_rules\.unlocked: 'maybe'"):
        judge(story.history(), {**story.header.policy_rules, "unlocked": "maybe"})


def left_lock(story: Story) -> History:
    """Return the history of a story that began with the lock of a dead process."""
    history = story.history()
    return msgspec.structs.replace(history, header=msgspec.structs.replace(history.header, left_lock=True))


def gives_up(story: Story, lane: int = CRON) -> None:
    with story.op(lane, "acquire", outcome="lock_timeout"):
        story.look(lane, "sleep", "")


def test_the_lock_of_an_earlier_process_must_be_reclaimed() -> None:
    story = Story()
    gives_up(story)
    assert judge(story.history()).violations == ()
    (violation,) = judge(left_lock(story)).violations
    assert (violation.kind, violation.lane, violation.op) == ("dead_end", CRON, 0)
    assert "before the schedule, and gave up: it was not reclaimed" in violation.detail


def test_once_it_is_reclaimed_a_time_out_is_another_matter() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "reclaimed")
        story.lock(HEARTBEAT, "acquired")
    gives_up(story)
    with story.op(HEARTBEAT, "release"):
        story.lock(HEARTBEAT, "released")
    assert judge(left_lock(story)).violations == ()


def test_an_earlier_lock_that_no_lane_wants_is_no_dead_end() -> None:
    assert judge(left_lock(Story())).violations == ()
