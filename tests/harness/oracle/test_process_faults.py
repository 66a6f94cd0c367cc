"""The oracle on killed, stopped and slow processes: faults are excused, later decisions are judged."""

from __future__ import annotations

import pytest

from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line, lines

HALF = b'{"id": "h", "ty'


def kinds(story: Story, **end: object) -> list[str]:
    return [violation.kind for violation in judge(story.history(**end)).violations]


def verdicts(story: Story) -> list[str]:
    return [decision.verdict for decision in judge(story.history()).decisions]


def only(story: Story, **end: object) -> Violation:
    (violation,) = judge(story.history(**end)).violations
    return violation


def process_fault(story: Story, lane: int, kind: str = "kill") -> int:
    return story.look(lane, kind, "", "before write T", fault=kind)


def killed_holder(story: Story) -> None:
    """Kill the cron job while it holds the lock; the lock file stays."""
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.call(CRON, "append", "c")
    process_fault(story, CRON)


def gives_up(story: Story, lane: int) -> int:
    with story.op(lane, "acquire", outcome="lock_timeout"):
        story.look(lane, "openat", "T.lock")
    return len(story.events) - 1


# Decisions


@pytest.mark.parametrize("kind", ["stop", "slow", "ahead"])
def test_a_decision_does_not_begin_with_a_process_fault(kind: str) -> None:
    """A write before the fence's first call is pending, even if the process was stopped at that call."""
    story = Story()
    story.window()
    story.call(RUNNER, "guarded_write", "reply")
    process_fault(story, RUNNER, kind)
    story.add(EDITOR, "x")
    story.look(RUNNER, "newfstatat")
    story.put(RUNNER, (story.content or b"") + line("reply"))
    story.done(RUNNER)
    assert verdicts(story) == ["missed_takeover"]


def test_a_guarded_write_whose_process_is_killed_is_no_decision() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.call(RUNNER, "guarded_write", "reply")
    story.put(RUNNER, (story.content or b"") + HALF, fault="kill")
    assert (verdicts(story), kinds(story)) == ([], [])


@pytest.mark.parametrize(
    ("policy", "verdict"), [("coordinated", "false_positive"), ("runner-appends", "true_positive")]
)
def test_a_killed_cotenants_write_under_the_lock_is_its_append(policy: str, verdict: str) -> None:
    story = Story(policy)
    story.window()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.call(CRON, "append", "c")
    story.put(CRON, (story.content or b"") + HALF, fault="kill")
    story.refuse("reply")
    assert verdicts(story) == [verdict]


def test_a_process_fault_is_no_suspect_of_a_refusal() -> None:
    story = Story()
    story.window()
    story.call(CRON, "append", "c")
    process_fault(story, CRON, "stop")
    story.refuse("reply")
    assert only(story).causes == ()


@pytest.mark.parametrize(("fault", "verdict"), [("kill", "uncounted"), ("", "true_positive")])
def test_a_killed_writers_half_line_may_return_with_the_file(fault: str, verdict: str) -> None:
    story = Story()
    story.window()
    content = story.content or b""
    story.call(HEARTBEAT, "append", "h")
    story.call(EDITOR, "action")
    story.put(EDITOR, None, call="rename")
    if fault:
        story.look(HEARTBEAT, "write", "tmp1", "5 of 20 bytes", fault=fault)
    story.put(EDITOR, content + HALF, "f0", call="rename")
    story.done(EDITOR)
    story.refuse("reply")
    assert verdicts(story) == [verdict]


# Entries


def test_an_unacknowledged_entry_of_a_killed_writer_is_not_lost() -> None:
    story = Story()
    story.call(CRON, "append", "c")
    story.put(CRON, lines("first") + HALF, fault="kill")
    assert kinds(story) == []


def test_an_entry_glued_to_a_killed_writers_line_is_lost() -> None:
    story = Story()
    story.call(CRON, "append", "c")
    story.put(CRON, lines("first") + HALF, fault="kill")
    story.add(HEARTBEAT, "h")
    violation = only(story)
    assert (violation.kind, violation.lane) == ("lost_entry", HEARTBEAT)


# The lock


@pytest.mark.parametrize("killed", [RUNNER, HEARTBEAT])
def test_no_lane_of_a_killed_process_stays_in_its_section(killed: int) -> None:
    """The kill may be a step of any lane of the process."""
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    story.call(HEARTBEAT, "append", "h")
    story.call(RUNNER, "begin_turn")
    process_fault(story, killed)
    with story.op(CRON, "acquire"):
        story.lock(CRON, "reclaimed", HEARTBEAT)
        story.lock(CRON, "acquired")
    story.add(CRON, "c")
    assert kinds(story) == []


def test_a_killed_lanes_partial_write_after_a_reclaim_counts() -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    story.call(HEARTBEAT, "append", "h")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "reclaimed", HEARTBEAT)
        story.lock(CRON, "acquired")
    story.put(HEARTBEAT, (story.content or b"") + HALF, held=False, reclaimed=True, fault="kill")
    assert kinds(story) == ["double_hold"]


def test_a_stopped_holder_is_inside_but_does_nothing() -> None:
    for acts in (False, True):
        story = Story()
        with story.op(HEARTBEAT, "acquire"):
            story.lock(HEARTBEAT, "acquired")
        story.call(HEARTBEAT, "append", "h")
        with story.op(CRON, "acquire"):
            story.lock(CRON, "acquired")
        process_fault(story, HEARTBEAT, "stop")
        if acts:
            story.look(HEARTBEAT)
        assert kinds(story) == (["double_hold"] if acts else [])


# Going on


def test_giving_up_on_a_dead_lock_is_a_dead_end() -> None:
    story = Story()
    killed_holder(story)
    at = gives_up(story, HEARTBEAT)
    violation = only(story, lock_owner=CRON)
    assert (violation.kind, violation.lane, violation.at) == ("dead_end", HEARTBEAT, at)
    assert "waited for the lock that cron left behind when its process was killed" in violation.detail


def test_a_dead_lock_without_waiters_is_no_dead_end() -> None:
    story = Story()
    killed_holder(story)
    assert kinds(story, lock_owner=CRON) == []


def test_a_lane_that_waited_before_the_death_may_give_up() -> None:
    story = Story()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.call(HEARTBEAT, "acquire")
    story.look(HEARTBEAT, "openat", "T.lock")
    story.call(CRON, "append", "c")
    process_fault(story, CRON)
    story.done(HEARTBEAT, "lock_timeout")
    assert kinds(story, lock_owner=CRON) == []


def test_waiting_counts_from_the_first_step_not_the_call() -> None:
    """A lane runs to its first call before the first step of the schedule."""
    story = Story()
    story.call(HEARTBEAT, "acquire")
    killed_holder(story)
    story.look(HEARTBEAT, "openat", "T.lock")
    story.done(HEARTBEAT, "lock_timeout")
    assert kinds(story, lock_owner=CRON) == ["dead_end"]


def test_a_dead_lock_reclaimed_at_last_is_no_dead_end() -> None:
    story = Story()
    killed_holder(story)
    gives_up(story, HEARTBEAT)
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "reclaimed", CRON)
        story.lock(RUNNER, "acquired")
        story.lock(RUNNER, "released")
    assert kinds(story) == []


# Crashes


def test_a_crash_before_the_kill_is_a_crash() -> None:
    story = Story()
    with story.op(CRON, "append", outcome="crash", detail="KeyError: 'ino'"):
        story.look(CRON)
    process_fault(story, CRON)
    assert kinds(story) == ["crash"]


@pytest.mark.parametrize("kind", ["stop", "slow", "ahead"])
def test_an_error_after_a_process_fault_only_is_a_crash(kind: str) -> None:
    story = Story()
    with story.op(CRON, "append", "c", outcome="failed"):
        process_fault(story, CRON, kind)
        story.look(CRON, "write")
    assert kinds(story) == ["crash"]
