"""Tests of `harness.oracle.handed_on`: a lock that a process keeps for its next lane."""

from __future__ import annotations

import pytest

from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line


def kinds(story: Story) -> list[str]:
    return [violation.kind for violation in judge(story.history(), full=True).violations]


def kept(writer: int, *, released: bool = False, returned: bool = True, asked: bool = True) -> Story:
    """The runner lets its lock go without a call; then a lane writes without the lock by name."""
    story = Story()
    story.begin()
    if returned:
        with story.op(RUNNER, "release_for_prompt"):
            if released:
                story.lock(RUNNER, "released")
    if asked:
        with story.op(writer, "acquire"):
            story.look(writer, "newfstatat", "T.lock")
    with story.op(writer, "append", "next"):
        story.put(writer, (story.content or b"") + line("next"), held=False)
    if asked:
        with story.op(writer, "release"):
            story.lock(RUNNER, "released")
    if not returned:
        story.rest()
    story.admit("more")
    return story


def test_a_lane_goes_on_with_the_lock_that_its_process_has_kept() -> None:
    assert kinds(kept(HEARTBEAT)) == []


@pytest.mark.parametrize(
    "story",
    [kept(EDITOR, asked=False), kept(HEARTBEAT, asked=False)],
    ids=["a rogue", "did not ask for it"],
)
def test_a_write_of_a_lane_that_has_no_lock_is_a_takeover(story: Story) -> None:
    assert kinds(story) == ["missed_takeover"]


@pytest.mark.parametrize(
    "story", [kept(CRON), kept(HEARTBEAT, released=True)], ids=["another process", "let go before"]
)
def test_a_lane_that_was_told_so_and_has_no_lock_is_a_double_hold(story: Story) -> None:
    assert kinds(story) == ["double_hold"]


def test_a_lane_that_still_has_the_lock_has_not_handed_it_on() -> None:
    assert "double_hold" in kinds(kept(HEARTBEAT, returned=False))
