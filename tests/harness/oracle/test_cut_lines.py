"""A line that its writer makes by several writes is one entry under one hold of the lock, and no longer."""

from __future__ import annotations

import pytest

from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line, lines

#: Where writers cut: in the middle, and before the newline alone.
PLACES = (9, len(line("c")) - 1)
at_each_place = pytest.mark.parametrize("place", PLACES, ids=["in the middle", "before the newline"])


def violations(story: Story) -> list[Violation]:
    return list(judge(story.history()).violations)


def half(story: Story, place: int, held: bool = True) -> int:
    """Write the first part of the job's line."""
    return story.put(CRON, (story.content or b"") + line("c")[:place], held=held)


def rest(story: Story, place: int, held: bool = True) -> int:
    """Write what is left of it, at the end of the file."""
    return story.put(CRON, (story.content or b"") + line("c")[place:], held=held)


@at_each_place
def test_a_line_in_two_writes_under_the_lock_is_one_entry(place: int) -> None:
    story = Story()
    story.window()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    with story.op(CRON, "append", "c"):
        half(story, place)
        story.look(RUNNER, "openat", "T.lock")
        rest(story, place)
    with story.op(CRON, "release"):
        story.lock(CRON, "released")
    story.admit("r")
    story.add(HEARTBEAT, "h")
    assert violations(story) == []


@at_each_place
def test_a_write_between_without_the_lock_is_at_fault(place: int) -> None:
    story = Story()
    with story.op(CRON, "append", "c"):
        half(story, place)
        story.call(HEARTBEAT, "append", "h")
        at = story.put(HEARTBEAT, (story.content or b"") + line("h"), held=False)
        story.done(HEARTBEAT)
        rest(story, place)
    (violation,) = [one for one in violations(story) if "entry c " in one.detail]
    assert (violation.kind, violation.lane, violation.at) == ("lost_entry", HEARTBEAT, at)
    assert "heartbeat" in violation.detail


@at_each_place
@pytest.mark.parametrize("at_first", [True, False], ids=["had the lock first", "never had it"])
def test_a_line_that_outlasts_its_lock_is_at_fault(place: int, at_first: bool) -> None:
    """The one that keeps the rules appends to half a line, and is not accused."""
    story = Story()
    story.call(CRON, "append", "c")
    at = half(story, place, held=at_first)
    with story.op(HEARTBEAT, "append", "h"):
        story.put(HEARTBEAT, (story.content or b"") + line("h"))
    rest(story, place, held=False)
    story.done(CRON)
    lost = [one for one in violations(story) if one.kind == "lost_entry" and "entry h " in one.detail]
    assert [(one.lane, one.at) for one in lost] == [(CRON, at)]
    assert "cron was in the midst of the line before it" in lost[0].detail


def test_an_entry_without_its_newline_is_torn_by_the_one_that_wrote_it() -> None:
    """It was whole for a reader until the other, under the lock, appended to it."""
    story = Story()
    story.call(CRON, "append", "c")
    at = half(story, PLACES[1], held=False)
    story.add(HEARTBEAT, "h")
    rest(story, PLACES[1], held=False)
    story.done(CRON)
    assert {(one.lane, one.at) for one in violations(story) if "entry c " in one.detail} == {(CRON, at)}


@at_each_place
def test_half_a_line_that_was_left_under_the_lock_has_to_be_seen(place: int) -> None:
    """Its writer failed; the next one has the lock, and looks before it appends."""
    story = Story()
    with story.op(CRON, "append", "c", outcome="failed"):
        half(story, place)
    story.add(HEARTBEAT, "h")
    (violation,) = [one for one in violations(story) if "entry h " in one.detail]
    assert violation.lane == HEARTBEAT and "onto an unfinished line" in violation.detail


def test_a_dead_lockless_lane_s_half_line_must_be_seen() -> None:
    story = Story()
    story.call(CRON, "append", "c")
    half(story, PLACES[0], held=False)
    story.look(CRON, "kill", "", fault="kill")
    story.add(HEARTBEAT, "h")
    (violation,) = [one for one in violations(story) if "entry h " in one.detail]
    assert violation.lane == HEARTBEAT and "onto an unfinished line" in violation.detail


@at_each_place
def test_two_lanes_without_the_lock_are_both_at_fault(place: int) -> None:
    story = Story()
    story.call(CRON, "append", "c")
    half(story, place, held=False)
    story.call(HEARTBEAT, "append", "h")
    story.put(HEARTBEAT, (story.content or b"") + line("h"), held=False)
    story.done(HEARTBEAT)
    rest(story, place, held=False)
    story.done(CRON)
    found = violations(story)
    assert {one.kind for one in found} == {"lost_entry"}
    assert {one.detail.split()[1] for one in found} == {"c", "h"}


@at_each_place
def test_a_rogue_that_comes_between_is_held_against_no_participant(place: int) -> None:
    story = Story()
    with story.op(CRON, "append", "c"):
        half(story, place)
        story.write(EDITOR, (story.content or b"") + lines("x"))
        rest(story, place)
    assert violations(story) == []
