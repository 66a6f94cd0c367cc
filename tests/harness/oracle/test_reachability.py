"""Tests of `harness.oracle.reachability`: an undone takeover is not missed."""

from __future__ import annotations

import pytest

from harness.model.history import History, digest
from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, SCRIPT, Story, compaction, lines


def _both(story: Story) -> tuple[str, str]:
    """Return the verdicts on an admission and on a refusal as the next decision."""
    kept = list(story.events), story.content, story.file, list(story._ops)
    story.admit("reply")
    admitted = judge(story.history()).decisions[-1].verdict
    story.events, story.content, story.file, story._ops = kept
    story.refuse("reply")
    return admitted, judge(story.history()).decisions[-1].verdict


def _aba(story: Story, one_operation: bool) -> None:
    content = story.content
    if one_operation:
        with story.op(EDITOR, "action"):
            story.put(EDITOR, b"other")
            story.put(EDITOR, content)
    else:
        story.write(EDITOR, b"other")
        story.write(EDITOR, content)


def test_a_b_a_by_two_operations_accuses_no_lane() -> None:
    story = Story()
    story.window()
    _aba(story, one_operation=False)
    assert _both(story) == ("true_negative", "uncounted")


def test_a_b_a_by_one_operation_is_no_effect() -> None:
    story = Story()
    story.window()
    _aba(story, one_operation=True)
    assert _both(story) == ("true_negative", "false_positive")


def test_a_b_a_in_another_file_counts_if_files_matter() -> None:
    story = Story("runner-appends")
    story.window()
    content = story.content
    story.write(EDITOR, b"other", story.new_file())
    story.write(EDITOR, content)
    assert _both(story) == ("missed_takeover", "true_positive")


def test_a_file_change_allowed_either_way_keeps_no_takeover_pending() -> None:
    story = Story()
    story.window()
    content = story.content
    story.write(EDITOR, content, story.new_file())
    story.write(EDITOR, b"other")
    story.write(EDITOR, content)
    assert _both(story) == ("true_negative", "uncounted")


def test_an_effect_undone_around_sanctioned_appends_is_undone() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    story.write(EDITOR, lines("first", "h", "x"))
    story.add(CRON, "c")
    assert _both(story) == ("missed_takeover", "true_positive")
    story.write(SCRIPT, lines("first", "h", "c"))
    assert _both(story) == ("true_negative", "uncounted")


def test_an_effect_undone_around_several_sanctioned_appends_is_undone() -> None:
    story = Story()
    story.window()
    story.write(EDITOR, lines("first", "x"))
    story.add(CRON, "c1")
    story.add(CRON, "c2")
    story.write(SCRIPT, lines("first", "c1", "c2"))
    assert _both(story) == ("true_negative", "uncounted")


def test_a_restoration_that_loses_a_sanctioned_append_undoes_nothing() -> None:
    story = Story()
    story.window()
    story.write(EDITOR, lines("first", "x"))
    story.add(CRON, "c")
    story.write(EDITOR, lines("first"))
    assert _both(story) == ("missed_takeover", "true_positive")


def test_an_effect_undone_during_the_decision_is_not_missed() -> None:
    story = Story()
    story.window()
    content = story.content
    story.write(EDITOR, b"other")
    story.admit(during=lambda: story.write(EDITOR, content))
    (decision,) = judge(story.history()).decisions
    assert decision.verdict == "racing"


def test_an_undone_effect_that_returns_is_pending_again() -> None:
    story = Story()
    story.window()
    content = story.content
    story.write(EDITOR, b"other")
    story.write(EDITOR, content)
    story.admit("one")
    again = story.write(EDITOR, b"other")
    story.admit("two")
    first, second = judge(story.history()).decisions
    assert (first.verdict, second.verdict) == ("true_negative", "missed_takeover")
    assert second.causes == (again,)


def test_a_rewrite_of_a_lawful_transcript_is_lawful() -> None:
    story = Story()
    story.window()
    story.write(CRON, compaction("sum", "first"), kind="rewrite")
    content = story.content
    story.write(EDITOR, b"other")
    story.write(EDITOR, content)
    assert _both(story) == ("true_negative", "uncounted")


def test_a_two_step_rewrite_of_a_lawful_transcript_is_lawful() -> None:
    story = Story()
    story.window()
    with story.op(CRON, "rewrite"):
        story.put(CRON, b"", call="openat")
        story.put(CRON, compaction("sum", "first"))
    content = story.content
    story.write(EDITOR, b"other")
    story.write(EDITOR, content)
    assert _both(story) == ("true_negative", "uncounted")


def test_a_rewrite_of_an_unlawful_transcript_keeps_the_takeover_pending() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.write(CRON, compaction("sum", "first", "x"), kind="rewrite")
    story.write(EDITOR, lines("first"))
    assert _both(story) == ("missed_takeover", "true_positive")


@pytest.mark.parametrize("append_between", [False, True])
def test_without_bytes_only_an_equal_digest_undoes_an_effect(append_between: bool) -> None:
    story = Story()
    story.window()
    story.write(EDITOR, lines("first", "x"))
    if append_between:
        story.add(CRON, "c")
        story.write(EDITOR, lines("first", "c"))
    else:
        story.write(EDITOR, lines("first"))
    story.admit("reply")
    history = story.history()
    assert judge(history).counts()["true_negative"] == 1
    bare = judge(History(history.header, history.events))
    assert bare.counts()["missed_takeover" if append_between else "true_negative"] == 1


def test_only_the_takeover_still_pending_is_named() -> None:
    story = Story()
    story.window()
    content = story.content
    story.write(EDITOR, b"other")
    story.write(EDITOR, content)
    rogue = story.add(SCRIPT, "y")
    story.admit("reply")
    assert judge(story.history()).decisions[0].causes == (rogue,)


def test_a_rewrite_excuses_nothing_in_a_transcript_that_was_empty() -> None:
    story = Story(initial=b"")
    story.window()
    story.add(EDITOR, "x")
    story.add(SCRIPT, "y")
    story.write(CRON, compaction("sum", "x", "y"), kind="rewrite")
    assert _both(story) == ("missed_takeover", "true_positive")


def _torn_load(story: Story, returned: bytes) -> None:
    """Add a turn whose load returns bytes that were never the transcript."""
    with story.op(RUNNER, "begin_turn"):
        pass
    story.call(RUNNER, "load")
    story.look(RUNNER)
    story.write(EDITOR, b"other\n")
    story.look(RUNNER)
    story.done(RUNNER, "ok", digest(returned))
    story.rest()


@pytest.mark.parametrize(
    ("end", "verdicts"),
    [
        (b"torn\n" + lines("c"), ("true_negative", "uncounted")),
        (b"torn\n", ("missed_takeover", "true_positive")),
        (b"TORN\n" + lines("c"), ("missed_takeover", "true_positive")),
    ],
)
def test_bytes_only_a_load_saw_are_lawful_with_later_appends(end: bytes, verdicts: tuple[str, str]) -> None:
    story = Story()
    _torn_load(story, b"torn\n")
    story.write(EDITOR, b"another\n")
    story.add(CRON, "c")
    story.write(EDITOR, end)
    assert _both(story) == verdicts


@pytest.mark.parametrize(
    ("kind", "end", "verdicts"),
    [
        ("append", lines("first", "c"), ("true_negative", "uncounted")),
        ("append", lines("first", "x"), ("missed_takeover", "true_positive")),
        ("rewrite", lines("first", "c"), ("true_negative", "uncounted")),
        ("rewrite", lines("first", "x"), ("true_negative", "uncounted")),
    ],
)
def test_an_overlapping_write_may_be_in_any_lawful_state(
    kind: str, end: bytes, verdicts: tuple[str, str]
) -> None:
    story = Story(gate="free")
    story.window()
    assert story.now <= 100
    story.call(SCRIPT, "action")
    story.put(SCRIPT, lines("first", "y"), at=(101, 105))
    story.done(SCRIPT)
    story.call(CRON, kind, "c")
    story.put(CRON, lines("first", "y", "c"), at=(110, 115))
    story.done(CRON)
    story.call(EDITOR, "action")
    story.put(EDITOR, lines("first", "y", "c", "x"), at=(112, 118))
    story.done(EDITOR)
    story.call(SCRIPT, "action")
    story.put(SCRIPT, end, at=(120, 125))
    story.done(SCRIPT)
    assert _both(story) == verdicts
