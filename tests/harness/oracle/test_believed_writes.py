"""Tests of `harness.oracle.believed_writes`: a write without the lock, by a lane that believed to have it."""

from __future__ import annotations

import pytest

from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line

TOLD = (
    "cron was told that it has the write lock, and did not have it when it changed the transcript in its "
    "append"
)


def kinds(story: Story, answer: str = "ok") -> list[str]:
    """Return what is wrong after the runner's next decision."""
    with story.op(RUNNER, "guarded_write", "reply", outcome=answer):
        story.lock(RUNNER, "acquired")
        if answer == "ok":
            story.put(RUNNER, (story.content or b"") + line("reply"))
        story.lock(RUNNER, "released")
    return [violation.kind for violation in judge(story.history(), full=True).violations]


def section(
    story: Story, *events: str, outcome: str = "ok", held: bool = False, reclaimed: bool = False
) -> None:
    """Let the cron job take the lock, as it says, append and let it go."""
    with story.op(CRON, "acquire", outcome=outcome):
        for event in events:
            story.lock(CRON, event)
    with story.op(CRON, "append", "c"):
        story.put(CRON, (story.content or b"") + line("c"), held=held, reclaimed=reclaimed)
    if outcome == "ok":
        with story.op(CRON, "release"):
            if held:
                story.lock(CRON, "released")


@pytest.mark.parametrize("answer", ["ok", "refused"])
@pytest.mark.parametrize("events", [(), ("acquired", "released")], ids=["never had it", "let it go at once"])
def test_a_lane_that_was_told_so_without_the_lock_accuses_the_lock(
    events: tuple[str, ...], answer: str
) -> None:
    story = Story()
    story.window()
    section(story, *events)
    assert kinds(story, answer) == ["double_hold"]
    (told,) = judge(story.history()).violations
    assert told.detail == TOLD


def test_a_write_under_the_lock_accuses_no_lane() -> None:
    story = Story()
    story.window()
    section(story, "acquired", held=True)
    assert kinds(story) == []


def test_a_lane_whose_call_failed_believes_nothing() -> None:
    story = Story()
    story.window()
    section(story, outcome="lock_timeout")
    assert "missed_takeover" in kinds(story)


def test_a_robbed_lane_is_a_rogue_to_the_others() -> None:
    story = Story()
    story.window()
    section(story, "acquired", reclaimed=True)
    assert "missed_takeover" in kinds(story)


def test_a_write_after_the_release_is_a_takeover() -> None:
    story = Story()
    story.window()
    section(story, "acquired", held=True)
    story.call(CRON, "release")
    story.done(CRON)
    with story.op(CRON, "append", "late"):
        story.put(CRON, (story.content or b"") + line("late"), held=False)
    assert "missed_takeover" in kinds(story)


def test_a_guarded_write_beside_a_holder_is_told_once() -> None:
    """The holder's window sees the write too; the lock is at fault there, and not the check."""
    story = Story()
    story.window()
    with story.op(HEARTBEAT, "acquire"):
        story.lock(HEARTBEAT, "acquired")
    with story.op(CRON, "guarded_write", "c"):
        story.put(CRON, (story.content or b"") + line("c"), held=False)
    with story.op(HEARTBEAT, "release"):
        story.lock(HEARTBEAT, "released")
    assert kinds(story) == ["double_hold"]


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "before the call returned"])
def test_a_rogue_that_touched_the_lock_may_have_taken_it_away(*, at_once: bool) -> None:
    story = Story()
    story.window()
    story.call(CRON, "acquire")
    story.lock(CRON, "acquired")
    if not at_once:
        story.done(CRON)
    with story.op(EDITOR, "action"):
        story.lock(EDITOR, "reclaimed")
    if at_once:
        story.done(CRON)
    with story.op(CRON, "append", "c"):
        story.put(CRON, (story.content or b"") + line("c"), held=False)
    assert "double_hold" not in kinds(story)


@pytest.mark.parametrize(("policy", "found"), [("coordinated", []), ("runner-appends", ["missed_takeover"])])
def test_a_shared_lock_excuses_no_write_that_the_policy_forbids(policy: str, found: list[str]) -> None:
    """Under the lock it would be a takeover, too: how the lane had the lock does not matter."""
    story = Story(policy)
    story.window()
    section(story, "shared")
    with story.op(RUNNER, "guarded_write", "reply"):
        story.lock(RUNNER, "acquired")
        story.put(RUNNER, (story.content or b"") + line("reply"))
        story.lock(RUNNER, "released")
    assert [one.kind for one in judge(story.history()).violations] == found
