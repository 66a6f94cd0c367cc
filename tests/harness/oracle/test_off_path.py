"""The oracle on files that a rogue moves away and back while participants write to them."""

from __future__ import annotations

import pytest

from harness.model.history import digest
from harness.oracle import judge
from tests.harness.oracle.histories import (
    CRON,
    EDITOR,
    RUNNER,
    SCRIPT,
    Story,
    compaction,
    line,
    lines,
)

MISSED = ("missed_takeover", "true_positive")
NEITHER = ("true_negative", "uncounted")


def _both(story: Story) -> tuple[str, str]:
    """Return the verdicts on an admission and on a refusal as the next decision."""
    kept = list(story.events), story.content, story.file, list(story._ops)
    story.admit("reply")
    admitted = judge(story.history()).decisions[-1].verdict
    story.events, story.content, story.file, story._ops = kept
    story.refuse("reply")
    return admitted, judge(story.history()).decisions[-1].verdict


def _append_unseen(story: Story, outcome: str = "ok") -> None:
    with story.op(CRON, "append", "c", outcome=outcome):
        story.look(CRON, "write", "tmp1")


@pytest.mark.parametrize("outcome", ["ok", "stale_lock", "crash"])
def test_a_line_that_returns_with_the_file_accuses_no_lane(outcome: str) -> None:
    story = Story()
    story.window()
    with story.op(EDITOR, "action"):
        story.put(EDITOR, None, call="rename")
        _append_unseen(story, outcome)
        story.put(EDITOR, lines("first", "c"), "f0", call="rename")
    assert _both(story) == NEITHER


@pytest.mark.parametrize("operations", [1, 2])
def test_a_rewrite_that_returns_with_the_file_accuses_no_lane(operations: int) -> None:
    story = Story()
    story.window()
    story.call(CRON, "rewrite")
    story.put(CRON, b"", call="openat")
    story.call(EDITOR, "action")
    story.put(EDITOR, None, call="rename")
    if operations == 2:
        story.done(EDITOR)
    story.look(CRON, "write")
    story.done(CRON)
    if operations == 2:
        story.call(EDITOR, "action")
    story.put(EDITOR, compaction("sum", "first"), "f0", call="rename")
    story.done(EDITOR)
    assert _both(story) == NEITHER


def test_a_rogues_change_to_an_absent_file_is_a_takeover() -> None:
    story = Story()
    story.window()
    story.call(CRON, "append", "c")
    story.look(CRON, "openat", note="write CREAT APPEND")
    with story.op(EDITOR, "action"):
        story.put(EDITOR, line("decoy"), story.new_file(), call="rename")
        story.look(EDITOR, "pwrite64", "tmp1")
        story.put(EDITOR, line("FIRST"), "f0", call="rename")
    story.look(CRON, "write", "tmp2")  # to the decoy
    story.done(CRON)
    assert _both(story) == MISSED


def test_rogue_and_participant_writes_to_an_absent_file_are_inseparable() -> None:
    story = Story()
    story.window()
    with story.op(EDITOR, "action"):
        story.put(EDITOR, None, call="rename")
        _append_unseen(story)
        story.put(EDITOR, lines("FIRST", "c"), "f0", call="rename")
    assert _both(story) == NEITHER


@pytest.mark.parametrize(
    ("outcome", "cut", "verdicts"),
    [
        ("ok", False, NEITHER),
        ("failed", True, NEITHER),
        ("failed", False, MISSED),
        ("lock_timeout", False, MISSED),
    ],
)
def test_a_copy_of_a_moved_file_may_hold_appended_lines(
    outcome: str, cut: bool, verdicts: tuple[str, str]
) -> None:
    story = Story()
    story.window()
    story.write(EDITOR, None)
    story.call(CRON, "append", "c")
    story.look(CRON, "openat", "T.lock")
    story.look(CRON, "write", "tmp1", fault="short" if cut else "")
    story.done(CRON, outcome)
    story.write(EDITOR, lines("first", "c"), "f9")
    assert _both(story) == verdicts


@pytest.mark.parametrize(
    ("written", "verdicts"),
    [((112, 120), NEITHER), ((140, 145), NEITHER), ((112, 119), MISSED), ((141, 145), MISSED)],
)
def test_a_write_that_touches_the_absence_may_be_a_participants(
    written: tuple[int, int], verdicts: tuple[str, str]
) -> None:
    story = Story(gate="free")
    story.window()
    assert story.now < 112
    story.call(CRON, "rewrite")
    story.look(CRON, "write", "tmp1", at=written)
    story.done(CRON)
    story.call(EDITOR, "action")
    story.put(EDITOR, None, call="rename", at=(120, 125))
    story.put(EDITOR, line("FIRST"), "f0", call="rename", at=(135, 140))
    story.done(EDITOR)
    assert story.now > 145
    assert _both(story) == verdicts


def test_a_change_beside_an_unseen_append_is_the_rogues() -> None:
    story = Story()
    story.window()
    with story.op(SCRIPT, "action"):
        story.put(SCRIPT, None, call="rename")
        story.call(CRON, "append", "c")
        story.look(CRON, "write", "tmp1")
        story.put(SCRIPT, lines("first", "c"), "f0", call="rename")
    with story.op(EDITOR, "action"):
        story.put(EDITOR, lines("FIRST", "c"))
    story.done(CRON)
    assert _both(story) == MISSED


def test_an_unseen_append_excuses_no_earlier_takeover() -> None:
    story = Story()
    story.begin()
    story.add(RUNNER, "mine")
    story.rest()
    # A copy that was made before the runner's own line, so that the line is lost.
    story.write(EDITOR, line("first"), story.new_file())
    with story.op(SCRIPT, "action"):
        story.put(SCRIPT, line("decoy"), "f9", call="rename")
        _append_unseen(story)
        story.put(SCRIPT, lines("first", "c"), "f1", call="rename")
    assert _both(story) == MISSED


def test_an_unseen_append_makes_no_missing_file_lawful() -> None:
    story = Story()
    story.window()
    rogue = story.add(EDITOR, "x")
    story.call(RUNNER, "guarded_write", "reply")
    story.lock(RUNNER, "acquired")
    story.look(RUNNER, "openat", note="write CREAT APPEND")
    with story.op(SCRIPT, "action"):
        story.put(SCRIPT, None, call="rename")
        story.look(RUNNER, "write")
        story.put(SCRIPT, line("copy"), story.new_file(), call="symlink")
    story.lock(RUNNER, "released")
    story.done(RUNNER)
    (decision,) = judge(story.history()).decisions
    assert (decision.verdict, decision.causes) == ("missed_takeover", (rogue,))


def test_writing_an_own_temporary_file_is_no_unseen_write() -> None:
    story = Story()
    story.window()
    with story.op(EDITOR, "action"):
        story.put(EDITOR, None, call="rename")
        story.call(CRON, "rewrite")
        story.look(CRON, "openat", "tmp2", "write CREAT TRUNC")
        story.look(CRON, "write", "tmp2")
        story.look(CRON, "write", "T.lock")
        story.put(EDITOR, line("FIRST"), "f0", call="rename")
    story.done(CRON, "stale_lock")
    assert _both(story) == MISSED


def test_a_file_that_stays_away_makes_nothing_lawful() -> None:
    story = Story()
    story.window()
    story.call(CRON, "rewrite")
    story.put(CRON, b"", call="openat")
    story.write(EDITOR, line("x"), story.new_file())
    story.look(CRON, "write", "tmp1")
    story.done(CRON)
    assert digest(line("x")) == story.state().content
    assert _both(story) == MISSED


def _refused_rewrite(story: Story, brings_back: bytes, outcome: str = "refused") -> None:
    """Add a rewrite that exchanges the file, finds other bytes in the old one and exchanges it back."""
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.call(CRON, "rewrite")
    story.put(CRON, b"compacted\n", "f1", held=True, call="renameat2")
    story.call(EDITOR, "action")
    story.look(EDITOR, "pwrite64", "T.rewrite.tmp")
    story.done(EDITOR)
    story.put(CRON, brings_back, "f0", held=True, call="renameat2")
    story.done(CRON, outcome)
    with story.op(CRON, "release"):
        story.lock(CRON, "released")


def test_a_rogues_write_returned_by_a_participant_accuses_no_lane() -> None:
    story = Story()
    story.window()
    _refused_rewrite(story, (story.content or b"").swapcase())
    assert _both(story) == NEITHER


def test_a_refused_rewrite_that_restores_lawful_bytes_undoes_a_takeover() -> None:
    story = Story()
    story.window()
    lawful = story.content or b""
    story.write(EDITOR, lawful.swapcase())
    _refused_rewrite(story, lawful)
    assert _both(story) == NEITHER


def test_a_refused_rewrite_with_other_bytes_undoes_nothing() -> None:
    story = Story()
    story.window()
    lawful = story.content or b""
    story.write(EDITOR, lawful.swapcase())
    _refused_rewrite(story, lawful.swapcase())
    assert _both(story) == MISSED


def test_a_successful_rewrite_of_an_unlawful_transcript_undoes_nothing() -> None:
    story = Story()
    story.window()
    lawful = story.content or b""
    story.write(EDITOR, lawful.swapcase())
    _refused_rewrite(story, lawful, "ok")
    assert _both(story) == MISSED
