"""Calls that refused although their own bytes had been written."""

from __future__ import annotations

from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, LANES, Story, line, lines


def refused_write(story: Story) -> list[Violation]:
    return [one for one in judge(story.history()).violations if one.kind == "refused_write"]


def test_a_refused_write_names_lane_call_and_steps() -> None:
    for kind in ("append", "guarded_write", "rewrite"):
        story = Story()
        story.add(EDITOR, "x")
        story.call(CRON, kind)
        first = story.put(CRON, lines("first", "x") + b"{")
        second = story.put(CRON, lines("first", "x", "c"))
        returned = story.done(CRON, "refused")
        (found,) = refused_write(story)
        assert (found.at, found.lane, found.op) == (returned, CRON, 0)
        assert found.causes == (first, second)
        assert found.detail == f"cron refused its {kind}, but its bytes stand in the transcript"


def test_only_writing_calls_are_judged_by_their_refusal() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "acquire")
    story.put(CRON, lines("first", "x", "c"))
    story.done(CRON, "refused")
    assert refused_write(story) == []


def test_a_refused_write_in_which_a_call_failed_is_not_judged() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "append", "c")
    story.put(CRON, lines("first", "x") + b"{")
    story.look(CRON, "write", fault="ENOSPC")
    story.done(CRON, "refused")
    assert refused_write(story) == []


def test_a_refused_rewrite_that_stands_is_a_violation() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    story.put(CRON, line("sum"), "f9", call="rename")
    story.done(CRON, "refused")
    assert len(refused_write(story)) == 1


def test_a_refused_write_of_the_same_bytes_wrote_nothing() -> None:
    for kind in ("append", "rewrite"):
        story = Story()
        story.add(EDITOR, "x")
        story.call(CRON, kind)
        story.put(CRON, story.content, "f9", call="rename")
        story.done(CRON, "refused")
        assert refused_write(story) == []


def test_a_refused_rewrite_beside_another_lane_is_not_judged() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    story.put(CRON, line("sum"), "f9", call="rename")
    story.add(EDITOR, "y")
    story.put(CRON, lines("sum", "z"))
    story.done(CRON, "refused")
    assert refused_write(story) == []


def test_refused_writes_of_rogues_are_skipped_not_later_lanes() -> None:
    story = Story(lanes=(LANES[EDITOR], LANES[CRON]))
    story.call(0, "append", "x")
    story.put(0, lines("first", "x"))
    story.done(0, "refused")
    story.call(1, "append", "c")
    story.put(1, lines("first", "x", "c"))
    story.done(1, "refused")
    assert [one.lane for one in refused_write(story)] == [1]


def test_a_call_that_gave_up_waiting_has_written_nothing() -> None:
    for outcome, count in (("lock_timeout", 1), ("stale_lock", 0), ("failed", 0)):
        story = Story()
        story.call(CRON, "append", "c")
        story.put(CRON, lines("first", "c"))
        story.done(CRON, outcome)
        found = refused_write(story)
        assert len(found) == count
        assert all(
            "cron reports a time-out from its append, but its bytes stand" in one.detail for one in found
        )
