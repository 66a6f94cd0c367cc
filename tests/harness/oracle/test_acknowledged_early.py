"""Entries that were acknowledged before they were in the transcript, and came later."""

from __future__ import annotations

import msgspec
import pytest

from harness.oracle import judge
from harness.oracle.verdict import Violation
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, line, lines


def early(story: Story, *, known: bool = True) -> list[Violation]:
    """Return what is wrong, the same at a quick look and at a whole one."""
    history = story.history()
    if known:
        told = {name: line(name).decode().rstrip() for name in ("r", "s", "c", "d")}
        history = msgspec.structs.replace(history, header=msgspec.structs.replace(history.header, lines=told))
    judgement = judge(history)
    assert judgement == judge(history, full=True)
    return [one for one in judgement.violations if "before it was in the transcript" in one.detail]


def keep(story: Story, *names: str, lane: int = RUNNER, kind: str = "guarded_write") -> int:
    """Add a call that is acknowledged and writes nothing; return the index of its return."""
    story.call(lane, kind, *names)
    if kind == "guarded_write":
        story.lock(lane, "acquired")
        story.lock(lane, "released")
    else:
        story.look(lane, "openat")
    return story.done(lane)


def acquire(story: Story, lane: int = CRON) -> None:
    with story.op(lane, "acquire"):
        story.lock(lane, "acquired")


def release(story: Story, lane: int = CRON, kind: str = "release", outcome: str = "ok") -> int:
    story.call(lane, kind)
    story.lock(lane, "released")
    return story.done(lane, outcome)


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("later", ["end_turn", "guarded_write", "begin_turn"])
def test_a_guarded_write_is_there_when_it_returns(later: str, known: bool) -> None:
    story = Story()
    story.window()
    at = keep(story, "r")
    with story.op(RUNNER, later):
        written = story.put(RUNNER, lines("first", "r"))
    (violation,) = early(story, known=known)
    assert (violation.kind, violation.at, violation.lane) == ("lost_entry", at, RUNNER)
    assert violation.causes == (written,)
    assert violation.detail == "entry r was acknowledged to runner before it was in the transcript"


def test_each_line_of_a_batch_is_asked_for() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "r", "s"):
        story.put(RUNNER, lines("first", "r"))
    story.write(RUNNER, lines("first", "r", "s"), kind="end_turn")
    assert [one.detail.split()[1] for one in early(story)] == ["s"]


def test_a_half_line_is_no_entry_yet() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "r"):
        story.put(RUNNER, lines("first", "r")[:-5])
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    assert len(early(story)) == 1


def test_a_participant_may_write_lines_that_another_one_kept() -> None:
    story = Story()
    story.window()
    keep(story, "r")
    story.write(HEARTBEAT, lines("first", "r"), kind="release")
    assert [one.lane for one in early(story)] == [RUNNER]


@pytest.mark.parametrize("taker", [EDITOR, CRON])
def test_an_entry_that_was_there_and_was_taken_away_was_not_early(taker: int) -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "r"):
        story.put(RUNNER, lines("first", "r"))
        story.write(taker, lines("first"), kind="action" if taker == EDITOR else "rewrite")
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    assert early(story) == []


def test_a_rogue_during_the_call_excuses_it() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "guarded_write", "r"):
        story.write(EDITOR, lines("first", "x"))
    story.write(RUNNER, lines("first", "x", "r"), kind="end_turn")
    assert early(story) == []


def test_a_file_that_a_rogue_brings_back_has_its_written_bytes() -> None:
    story = Story()
    story.window()
    story.write(EDITOR, None)
    with story.op(RUNNER, "guarded_write", "r"):
        story.look(RUNNER, "write")
    story.write(EDITOR, lines("first", "r"), "f0")
    assert early(story) == []


def test_a_line_glued_to_half_a_line_was_written() -> None:
    story = Story(initial=lines("first") + b'{"id"')
    story.window()
    with story.op(RUNNER, "guarded_write", "r"):
        story.put(RUNNER, lines("first") + b'{"id"' + line("r"))
    story.write(CRON, lines("first", "r"), kind="rewrite")
    assert early(story) == []


def test_a_call_that_was_refused_acknowledged_nothing() -> None:
    story = Story()
    story.window()
    story.refuse("r")
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    assert early(story) == []


def test_lines_kept_under_the_lock_come_in_time_with_its_release() -> None:
    story = Story()
    acquire(story)
    keep(story, "c", lane=CRON, kind="append")
    keep(story, "d", lane=CRON, kind="append")
    story.call(CRON, "release")
    story.put(CRON, lines("first", "c", "d"))
    story.lock(CRON, "released")
    story.done(CRON)
    assert early(story) == []


def test_lines_kept_beyond_the_release_come_late() -> None:
    story = Story()
    acquire(story)
    keep(story, "c", "d", lane=CRON, kind="append")
    at = release(story)
    acquire(story)
    story.write(CRON, lines("first", "c", "d"), kind="append")
    found = early(story)
    assert [(one.at, one.lane, one.op) for one in found] == [(at, CRON, 1)] * 2
    assert found[0].detail.endswith("; it was not there either when the lock was given up")


def test_a_lane_that_keeps_its_lock_through_the_turn_may_keep_lines() -> None:
    story = Story()
    story.begin()
    keep(story, "r", kind="append")
    with story.op(RUNNER, "release_for_prompt"):
        story.look(RUNNER, "read", "T.lock")
    story.call(RUNNER, "end_turn")
    story.put(RUNNER, lines("first", "r"))
    story.lock(RUNNER, "released")
    story.done(RUNNER)
    assert early(story) == []


def test_a_turn_that_lets_go_for_the_prompt_has_written_by_then() -> None:
    story = Story()
    story.begin()
    keep(story, "r", kind="append")
    at = release(story, RUNNER, "release_for_prompt")
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    assert [one.at for one in early(story)] == [at]


@pytest.mark.parametrize("watched", [False, True])
def test_a_turn_whose_lock_is_not_watched_is_asked_at_its_end(watched: bool) -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        story.look(RUNNER, "openat", "T.other")
    story.load()
    keep(story, "r", kind="append")
    with story.op(RUNNER, "release_for_prompt"):
        story.look(RUNNER, "close", "T.other")
    with story.op(RUNNER, "end_turn"):
        if watched:
            story.put(RUNNER, lines("first", "r"))
    story.write(CRON, lines("first", "r", "c"), kind="rewrite")
    assert len(early(story)) == (0 if watched else 1)


@pytest.mark.parametrize("outcome", ["stale_lock", "crash"])
def test_a_release_that_failed_promised_nothing(outcome: str) -> None:
    story = Story()
    acquire(story)
    keep(story, "c", lane=CRON, kind="append")
    release(story, outcome=outcome)
    acquire(story)
    story.write(CRON, lines("first", "c"), kind="append")
    assert early(story) == []


def test_the_free_gate_knows_no_order_of_return_and_write() -> None:
    story = Story(gate="free")
    story.window()
    keep(story, "r")
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    assert early(story) == []


def test_bytes_that_were_not_kept_prove_nothing() -> None:
    story = Story()
    story.window()
    keep(story, "r")
    story.write(RUNNER, lines("first", "r"), kind="end_turn")
    history = msgspec.structs.replace(story.history(), blobs={})
    assert judge(history).violations == ()
