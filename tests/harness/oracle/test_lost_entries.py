"""Tests of `harness.oracle.lost_entries`: acknowledged entries that are gone, and the lane at fault."""

from __future__ import annotations

from harness.model.history import History
from harness.oracle import Violation, judge
from harness.oracle.whole_lines import every_id, plain_ids
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, compaction, line, lines


def lost(story: Story) -> list[Violation]:
    return [violation for violation in judge(story.history()).violations if violation.kind == "lost_entry"]


def test_an_entry_dropped_by_a_participants_rewrite_is_lost() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    at = story.write(CRON, lines("first"), kind="rewrite")
    (violation,) = lost(story)
    assert (violation.lane, violation.at, violation.causes) == (CRON, at, (at,))
    assert "entry h " in violation.detail and "cron" in violation.detail


def test_a_lane_with_a_reclaimed_lock_is_named_as_remover() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "rewrite"):
        story.put(CRON, lines("first"), reclaimed=True)
    (violation,) = lost(story)
    assert violation.lane == CRON and "reclaimed" in violation.detail


def test_each_lost_entry_is_a_violation() -> None:
    story = Story()
    story.add(HEARTBEAT, "h1", "h2")
    story.write(CRON, lines("first"), kind="rewrite")
    assert len(lost(story)) == 2


def test_an_admitted_reply_can_be_lost_too() -> None:
    story = Story()
    story.window()
    story.admit("reply")
    story.write(CRON, lines("first"), kind="rewrite")
    assert [violation.lane for violation in lost(story)] == [CRON]


def test_an_entry_that_a_rogue_destroyed_is_not_lost() -> None:
    for content in (lines("first"), None, line("first") + line("h")[:4]):
        story = Story()
        story.add(HEARTBEAT, "h")
        story.write(EDITOR, content)
        assert lost(story) == []


def test_an_unacknowledged_entry_is_not_missed() -> None:
    for outcome in ("refused", "lock_timeout", "stale_lock"):
        story = Story()
        with story.op(HEARTBEAT, "append", "h", outcome=outcome):
            story.put(HEARTBEAT, lines("first", "h"))
        story.write(CRON, lines("first"), kind="rewrite")
        assert lost(story) == []


def test_a_rogues_entries_are_not_expected() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.write(CRON, lines("first"), kind="rewrite")
    assert lost(story) == []


def test_a_compaction_keeps_the_entries_that_it_lists() -> None:
    story = Story()
    story.add(HEARTBEAT, "h1", "h2")
    story.write(CRON, compaction("sum", "first", "h1"), kind="rewrite")
    assert [violation.detail.split()[1] for violation in lost(story)] == ["h2"]


def test_an_entry_in_a_torn_line_is_lost() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.write(CRON, line("first") + line("h")[:-4] + b"\n", kind="rewrite")
    assert b'"h"' in (story.content or b"")
    assert len(lost(story)) == 1


def test_an_entry_appended_to_a_rogues_torn_line_is_excused() -> None:
    story = Story()
    story.write(EDITOR, line("first") + b'{"id": "x"')
    story.add(HEARTBEAT, "h")
    assert lost(story) == []


def test_glue_where_a_rogue_took_the_newline_is_excused() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.write(EDITOR, line("first") + line("h").rstrip() + b" ")
    story.write(CRON, line("first") + line("h").rstrip() + b" " + line("c"), kind="append")
    assert lost(story) == []


def test_glue_where_a_participant_took_the_newline_is_accused() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.write(HEARTBEAT, line("first") + line("h").rstrip(), kind="rewrite")
    story.write(CRON, line("first") + line("h").rstrip() + line("c"), kind="append")
    (violation,) = lost(story)
    assert violation.lane == CRON


def test_a_rewrite_may_not_drop_an_entry_without_its_newline() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.write(EDITOR, line("first") + line("h").rstrip())
    story.write(CRON, line("first"), kind="rewrite")
    assert len(lost(story)) == 1


def test_an_entry_appended_to_a_participants_torn_line_is_lost() -> None:
    story = Story()
    story.write(CRON, line("first") + b'{"id": "c"', kind="append")
    story.add(HEARTBEAT, "h")
    (violation,) = lost(story)
    assert violation.lane == HEARTBEAT and "was never in the transcript" in violation.detail


def test_a_rogues_torn_line_stays_the_rogues_after_a_rewrite() -> None:
    story = Story()
    story.write(EDITOR, line("first") + b"garbage")
    with story.op(CRON, "rewrite"):
        story.put(CRON, b"", call="openat")
        story.put(CRON, compaction("sum", "first") + b"garbage")
    story.add(HEARTBEAT, "h")
    assert lost(story) == []


def test_the_last_lane_that_tore_a_line_is_at_fault() -> None:
    story = Story()
    story.write(EDITOR, line("first") + b'{"id": "x"')
    story.write(HEARTBEAT, line("first"), kind="rewrite")
    story.write(CRON, line("first") + b'{"id": "c"', kind="append")
    story.add(HEARTBEAT, "h")
    assert len(lost(story)) == 1


def test_an_entry_never_written_is_lost_without_a_rogue_near() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", "h"):
        story.look(HEARTBEAT, "write", "tmp1")
    (violation,) = lost(story)
    assert violation.lane == HEARTBEAT


def test_an_entry_never_written_is_excused_near_a_rogue() -> None:
    for call in ("rename", "chmod"):
        story = Story()
        with story.op(HEARTBEAT, "append", "h"):
            story.touch(EDITOR, call)
            story.look(HEARTBEAT, "write", "tmp1")
        assert lost(story) == []
    replaced = Story()
    replaced.write(EDITOR, line("first"), "f9")
    with replaced.op(HEARTBEAT, "append", "h"):
        replaced.look(HEARTBEAT, "write", "tmp1")
    assert lost(replaced) == []


def test_a_rewrite_disturbed_by_a_rogue_is_excused() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "rewrite"):
        story.look(CRON)
        story.add(EDITOR, "x")
        story.put(CRON, lines("first"))
    assert lost(story) == []


def test_a_rewrite_counts_from_the_acquisition_of_its_lock() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.add(EDITOR, "x")
    story.write(CRON, lines("first"), kind="rewrite")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    assert lost(story) == []


def test_lines_written_by_a_rewrite_are_not_expected() -> None:
    story = Story()
    with story.op(CRON, "rewrite", "sum"):
        story.put(CRON, lines("first", "note"))
    assert lost(story) == []


def test_a_rewrite_with_lines_of_its_own_that_does_nothing_is_told() -> None:
    story = Story()
    with story.op(CRON, "rewrite", "sum"):
        story.put(CRON, lines("first"))
    (found,) = lost(story)
    assert "its rewrite is done" in str(found)


def test_a_touch_during_a_rewrite_excuses_nothing() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "rewrite"):
        story.look(CRON)
        story.touch(EDITOR)
        story.put(CRON, lines("first"))
    assert len(lost(story)) == 1


def test_a_rogue_before_the_acquisition_excuses_nothing() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.add(HEARTBEAT, "h")
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    story.write(CRON, lines("first"), kind="rewrite")
    assert len(lost(story)) == 1


def test_a_rogue_that_broke_the_lock_excuses_later_losses() -> None:
    story = Story()
    with story.op(EDITOR, "action"):
        story.look(EDITOR, "unlink", "T.lock")
    story.add(HEARTBEAT, "h")
    story.write(CRON, lines("first"), kind="rewrite")
    assert lost(story) == []


def test_entries_are_not_judged_without_bytes() -> None:
    story = Story()
    story.add(HEARTBEAT, "h")
    story.write(CRON, lines("first"), kind="rewrite")
    history = story.history()
    assert judge(History(history.header, history.events)).violations == ()
    some = {
        name: content for name, content in history.blobs.items() if name != history.header.initial.content
    }
    some[history.events[-1].final.content] = lines("first")  # type: ignore[union-attr]
    middle = next(name for name, content in history.blobs.items() if content == lines("first", "h"))
    del some[middle]
    assert judge(History(history.header, history.events, some)).violations == ()


def test_an_entry_that_went_and_came_back_is_not_lost() -> None:
    story = Story()
    story.add(RUNNER, "mine")
    story.write(CRON, lines("first"), kind="rewrite")
    story.write(CRON, lines("first", "mine"), kind="rewrite")
    assert lost(story) == []


def test_whole_lines_are_told_from_torn_and_doubled_ones() -> None:
    content = (
        b'{"id":"a"}\n\n{"id":"b"}{"id":"c"}\n{"id":"d"\n{"message":{"id":"e"}}\n[{"id":"f"}]\n{"id":7}\n'
    )
    assert plain_ids(content) - {""} == {"a"}
    assert every_id(content) == {"a", "e", "f"}
    assert every_id(b'{"compacts":["g",1],"id":"h"}') == {"g", "h"}
    assert plain_ids(b'{"compacts":["g"],"id":"h"}') == {"g", "h"}


def said_early(rogue: int | None = None) -> list[Violation]:
    """A program acknowledges an entry, and only then writes it."""
    story = Story()
    with story.op(CRON, "action", "c"):
        if rogue is not None:
            story.put(rogue, lines("first") + b"x")
    story.write(CRON, lines("first", "c"))
    return lost(story)


def test_an_entry_that_a_program_acknowledges_before_it_is_there_is_lost() -> None:
    (violation,) = said_early()
    assert violation.lane == CRON and "before it was in the transcript" in violation.detail


def test_a_rogue_in_between_excuses_a_program_that_acknowledged_early() -> None:
    assert said_early(EDITOR) == []


def test_an_entry_that_a_program_acknowledges_once_it_is_there_is_not_lost() -> None:
    story = Story()
    with story.op(CRON, "action", "c"):
        story.put(CRON, lines("first", "c"))
    assert lost(story) == []
