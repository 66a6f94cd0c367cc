"""The oracle on calls that were made to fail: some errors are excused, others are not."""

from __future__ import annotations

import pytest

from harness.model.history import History
from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line, lines

HALF = line("half")[:9]


def verdicts(history: History) -> list[str]:
    return [decision.verdict for decision in judge(history).decisions]


def only_violation(story: Story) -> Violation:
    (violation,) = judge(story.history()).violations
    return violation


def fail(story: Story, lane: int, kind: str, name: str, part: bytes = b"") -> None:
    """Add an operation whose write fails after a part of its bytes, and that passes the error on."""
    with story.op(lane, kind, name, outcome="failed", detail="OSError: [Errno 28] full"):
        if kind == "guarded_write":
            story.lock(lane, "acquired")
        if part:
            story.put(lane, (story.content or b"") + part, fault="short")
        story.look(lane, "write", fault="ENOSPC")
        if kind == "guarded_write":
            story.lock(lane, "released")


# Crash


@pytest.mark.parametrize("kind", ["append", "guarded_write", "load", "rewrite", "end_turn"])
def test_an_error_passed_on_after_a_fault_is_no_crash(kind: str) -> None:
    story = Story()
    story.begin()
    fail(story, RUNNER, kind, "reply")
    assert judge(story.history()).violations == ()


def test_an_error_without_a_fault_is_a_crash() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "reply", outcome="failed", detail="OSError: [Errno 28] full"):
        story.look(RUNNER, "write")
    violation = only_violation(story)
    assert (violation.kind, violation.lane, violation.op) == ("crash", RUNNER, 3)
    assert "Errno 28" in violation.detail


def test_a_fault_in_another_operation_or_lane_excuses_no_error() -> None:
    story = Story()
    fail(story, CRON, "append", "c")
    fail(story, HEARTBEAT, "append", "h")
    with story.op(HEARTBEAT, "append", "h2", outcome="failed"):
        story.look(HEARTBEAT, "write")
    violation = only_violation(story)
    assert (violation.kind, violation.lane, violation.op) == ("crash", HEARTBEAT, 1)


def test_a_short_write_excuses_no_error() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", "h", outcome="failed"):
        story.put(HEARTBEAT, lines("first") + HALF, fault="short")
    assert only_violation(story).kind == "crash"


def test_another_exception_after_a_fault_is_a_crash() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", "h", outcome="crash", detail="KeyError: 'ino'"):
        story.look(HEARTBEAT, "write", fault="ENOSPC")
    assert only_violation(story).kind == "crash"


# Decisions


def test_a_guarded_write_that_failed_is_no_decision() -> None:
    story = Story()
    story.window()
    fail(story, RUNNER, "guarded_write", "reply")
    assert verdicts(story.history()) == []
    story.admit("again")
    assert verdicts(story.history()) == ["true_negative"]


@pytest.mark.parametrize("policy", ["coordinated", "same-process", "runner-appends"])
def test_bytes_of_a_failed_write_are_the_runners_own(policy: str) -> None:
    story = Story(policy)
    story.window()
    fail(story, RUNNER, "guarded_write", "reply", HALF)
    story.refuse("again")
    assert verdicts(story.history()) == ["false_positive"]
    assert only_violation(story).kind == "false_positive"


def test_bytes_of_a_failed_write_are_sanctioned_under_any_policy() -> None:
    story = Story()
    rules = dict(story.header.policy_rules) | {"own_append": "takeover"}
    story.window()
    fail(story, RUNNER, "guarded_write", "reply", HALF)
    story.admit()
    assert [decision.verdict for decision in judge(story.history(), rules).decisions] == ["true_negative"]


@pytest.mark.parametrize(
    ("policy", "verdict"), [("coordinated", "false_positive"), ("runner-appends", "true_positive")]
)
def test_half_a_line_under_the_lock_is_a_cotenants_append(policy: str, verdict: str) -> None:
    story = Story(policy)
    story.window()
    fail(story, HEARTBEAT, "append", "h", HALF)
    story.refuse("reply")
    assert verdicts(story.history()) == [verdict]


def test_half_a_line_without_the_lock_is_a_takeover() -> None:
    story = Story()
    story.window()
    with story.op(HEARTBEAT, "append", "h", outcome="failed"):
        story.put(HEARTBEAT, lines("first") + HALF, held=False, fault="short")
        story.look(HEARTBEAT, "write", fault="ENOSPC")
    story.admit()
    assert verdicts(story.history()) == ["missed_takeover"]


def test_a_takeover_before_a_failed_write_stays_pending() -> None:
    story = Story()
    story.window()
    rogue = story.add(EDITOR, "x")
    fail(story, RUNNER, "guarded_write", "reply")
    story.admit("again")
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.causes, decision.kind) == ("missed_takeover", (rogue,), "")


def test_a_takeover_during_a_failed_write_stays_pending() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "reply", outcome="failed"):
        story.look(RUNNER, "statx")
        story.add(EDITOR, "x")
        story.look(RUNNER, "write", fault="EIO")
    story.refuse("again")
    assert verdicts(story.history()) == ["true_positive"]


def test_a_failed_write_does_not_make_a_report_late() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    fail(story, RUNNER, "guarded_write", "reply")
    story.refuse("again")
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.late) == ("true_positive", 0)


def test_a_load_that_failed_opens_no_window() -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    fail(story, RUNNER, "load", "")
    story.add(EDITOR, "x")
    story.admit()
    assert verdicts(story.history()) == ["uncounted"]


# Lost entries


def test_an_entry_whose_append_failed_was_not_acknowledged() -> None:
    for part in (b"", HALF):
        story = Story()
        fail(story, HEARTBEAT, "append", "h", part)
        assert judge(story.history()).violations == ()


def test_an_entry_glued_to_half_a_line_is_lost() -> None:
    story = Story()
    fail(story, HEARTBEAT, "append", "h", HALF)
    at = story.add(CRON, "c")
    violation = only_violation(story)
    assert (violation.kind, violation.lane, violation.causes) == ("lost_entry", CRON, (at,))
    assert "entry c " in violation.detail and "onto an unfinished line" in violation.detail


def test_a_whole_line_below_half_a_line_is_there() -> None:
    story = Story()
    fail(story, HEARTBEAT, "append", "h", HALF)
    with story.op(CRON, "append", "c"):
        story.put(CRON, (story.content or b"") + b"\n" + line("c"))
    assert judge(story.history()).violations == ()


def test_entries_dropped_by_a_failed_rewrite_are_lost() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "rewrite", outcome="failed"):
        at = story.put(CRON, b"", call="openat")
        story.look(CRON, "write", fault="ENOSPC")
    violation = only_violation(story)
    assert (violation.kind, violation.lane, violation.at) == ("lost_entry", CRON, at)


# The lock


@pytest.mark.parametrize(("kind", "double"), [("append", True), ("load", True), ("release", False)])
def test_failed_work_keeps_the_section_a_failed_release_ends_it(kind: str, double: bool) -> None:
    story = Story()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    fail(story, HEARTBEAT, kind, "h")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    with story.op(HEARTBEAT, "release"):
        story.look(HEARTBEAT)
    kinds = [violation.kind for violation in judge(story.history()).violations]
    assert kinds == (["double_hold"] if double else [])


def test_a_lock_left_after_a_failure_is_a_dead_end() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "reply", outcome="failed"):
        story.lock(RUNNER, "acquired")
        story.look(RUNNER, "write", fault="ENOSPC")
    (violation,) = judge(story.history(lock_owner=RUNNER)).violations
    assert violation.kind == "dead_end"


# Files off the path


@pytest.mark.parametrize(("cut", "verdict"), [(True, "uncounted"), (False, "true_positive")])
def test_half_a_line_in_a_returned_file_is_the_participants(cut: bool, verdict: str) -> None:
    """The difference can be the participant's only if its write wrote something."""
    story = Story()
    story.window()
    content = story.content or b""
    story.call(HEARTBEAT, "append", "h")
    story.call(EDITOR, "action")
    story.put(EDITOR, None, call="rename")
    story.look(HEARTBEAT, "write", "tmp1", fault="short" if cut else "EINTR")
    story.look(HEARTBEAT, "write", "tmp1", fault="ENOSPC")
    story.put(EDITOR, content + HALF, "f0", call="rename")
    story.done(EDITOR)
    story.done(HEARTBEAT, "failed")
    story.refuse("reply")
    assert verdicts(story.history()) == [verdict]
