"""Lines that stood before a call, on either side of what the call may do to them."""

from __future__ import annotations

import json

import msgspec
import pytest

from harness.model.history import History
from harness.oracle import Violation, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, RUNNER, Story, compaction, line, lines

OLD = lines("first", "b")
RETEXT = json.dumps({"id": "b", "type": "other"}).encode() + b"\n"
LINKED = json.dumps({"id": "b", "type": "user", "parentId": "first", "ordinal": 2}).encode() + b"\n"


def asked(story: Story, *names: str) -> History:
    """The history in which each of these entries was to be `line` of its name."""
    history = story.history()
    wanted = {name: line(name).decode().removesuffix("\n") for name in names}
    return msgspec.structs.replace(history, header=msgspec.structs.replace(history.header, lines=wanted))


def found(history: History) -> list[Violation]:
    """The violations that concern lines, which a full look finds as well."""
    judged = judge(history)
    assert judged == judge(history, full=True)
    return [one for one in judged.violations if one.kind in ("altered_entry", "lost_entry", "invariant")]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (OLD, ""),
        (line("first") + LINKED, ""),
        (compaction("sum", "first") + line("b"), ""),
        (line("b"), "cron dropped entry first in its append, which neither"),
        (line("first") + RETEXT, "other_text: after an acknowledged write of cron entry b"),
        (line("b") + line("first"), "other_order: after an acknowledged write of cron entry b"),
    ],
)
def test_an_append_leaves_the_lines_before_it(before: bytes, told: str) -> None:
    story = Story(initial=OLD)
    with story.op(CRON, "append", "c"):
        story.put(CRON, before + line("c"), "f7", call="rename")
    violations = found(asked(story, "c"))
    assert [one.detail.startswith(told) for one in violations] == ([True] if told else [])
    assert all((one.lane, one.op) == (CRON, 0) for one in violations)


@pytest.mark.parametrize("kind", ["acquire", "release", "append"])
@pytest.mark.parametrize(
    ("after", "told"),
    [
        (OLD + line("rest"), ""),
        (OLD + b"\n", ""),
        (line("first"), "dropped entry b"),
        (line("first") + RETEXT, "other_text: "),
        (OLD + b"torn", "garbage: "),
        (OLD + b"# note\n", "garbage: "),
        (OLD + line("b"), "unique_ids: "),
    ],
)
def test_a_call_without_lines_may_only_add(kind: str, after: bytes, told: str) -> None:
    story = Story(initial=OLD)
    with story.op(CRON, kind):
        story.put(CRON, after)
    told = "" if kind == "append" and told.startswith("garbage") else told
    assert [told in one.detail for one in found(story.history())] == ([True] if told else [])


@pytest.mark.parametrize(
    ("outcome", "count"), [("ok", 1), ("refused", 1), ("lock_timeout", 1), ("stale_lock", 1), ("failed", 0)]
)
def test_the_outcome_of_a_call_does_not_excuse_it(outcome: str, count: int) -> None:
    story = Story(initial=OLD)
    with story.op(CRON, "acquire", outcome=outcome):
        story.look(CRON, "openat", fault="" if outcome != "failed" else "EIO")
        story.put(CRON, line("b"))
    assert len(found(story.history())) == count


def test_an_acknowledged_line_is_kept_like_an_initial_one() -> None:
    for known, count in ((("b",), 1), ((), 0)):
        story = Story()
        with story.op(HEARTBEAT, "append", "b"):
            story.put(HEARTBEAT, OLD)
        with story.op(CRON, "release"):
            story.put(CRON, line("first") + RETEXT)
        assert len(found(asked(story, *known))) == count


def test_a_line_that_was_never_acknowledged_is_no_promise() -> None:
    story = Story()
    with story.op(HEARTBEAT, "append", "b", outcome="lock_timeout"):
        story.look(HEARTBEAT, "sleep", "")
    story.write(EDITOR, OLD)
    with story.op(CRON, "acquire"):
        story.put(CRON, line("first"))
    assert found(asked(story, "b")) == []


def test_lines_that_a_rogue_changed_may_be_put_right() -> None:
    story = Story(initial=OLD)
    story.write(EDITOR, line("first") + RETEXT)
    with story.op(CRON, "acquire"):
        story.put(CRON, OLD)
    assert found(story.history()) == []


@pytest.mark.parametrize(("call", "count"), [("utimensat", 1), ("write", 0)])
def test_only_a_rogue_that_writes_excuses_a_call_near_it(call: str, count: int) -> None:
    story = Story(initial=OLD)
    story.call(CRON, "acquire")
    story.touch(EDITOR, call)
    story.put(CRON, line("b"))
    story.done(CRON)
    assert len(found(story.history())) == count


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (OLD, "was told that its rewrite is done"),
        (OLD + compaction("sum", "first", "b"), "not_replaced: "),
        (compaction("sum", "first") + line("b"), ""),
        (compaction("sum", "first", "b") + line("b"), "not_replaced: "),
    ],
)
def test_a_rewrite_replaces_the_lines_that_its_summary_names(after: bytes, told: str) -> None:
    story = Story(initial=OLD)
    with story.op(CRON, "rewrite"):
        story.put(CRON, after, "f7", call="rename")
    assert [told in one.detail for one in found(story.history())] == ([True] if told else [])


def test_of_a_line_that_stood_twice_one_copy_may_be_replaced() -> None:
    story = Story(initial=OLD + line("b"))
    with story.op(CRON, "rewrite"):
        story.put(CRON, compaction("sum", "first", "b") + line("b"), "f7", call="rename")
    assert found(story.history()) == []


@pytest.mark.parametrize(
    ("kind", "after", "count"),
    [
        ("recover", OLD + line("x") + line("rest"), 0),
        ("recover", OLD, 1),
        ("recover", line("b") + line("x"), 1),
        ("release", OLD, 0),
    ],
)
def test_a_recovery_keeps_a_rogue_s_earlier_bytes(kind: str, after: bytes, count: int) -> None:
    story = Story(initial=OLD)
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    with story.op(RUNNER, kind):
        story.put(RUNNER, after)
    assert len(found(story.history())) == count
