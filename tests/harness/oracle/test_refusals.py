"""Refusals outside a window, refusals that wrote, and writes beside a lock."""

from __future__ import annotations

import pytest

from harness.oracle import Judgement, judge
from tests.harness.oracle.histories import (
    CRON,
    EDITOR,
    HEARTBEAT,
    RUNNER,
    Story,
    line,
    lines,
)

_CALLS = ("begin_turn", "load", "append", "release_for_prompt", "end_turn")


def refuse_in_turn(story: Story, kind: str) -> None:
    if kind != "begin_turn":
        with story.op(RUNNER, "begin_turn"):
            story.lock(RUNNER, "acquired")
    story.refuse(kind=kind)
    story.lock(RUNNER, "released")


def kinds(judgement: Judgement) -> list[str]:
    return [one.kind for one in judgement.violations]


@pytest.mark.parametrize("kind", _CALLS)
def test_a_refusal_before_the_window_is_false_without_a_cause(kind: str) -> None:
    story = Story()
    refuse_in_turn(story, kind)
    (found,) = judge(story.history()).violations
    assert (found.kind, found.window_from) == ("false_positive", -1)


@pytest.mark.parametrize("kind", _CALLS)
def test_a_refusal_before_the_window_is_not_counted_after_a_rogue(kind: str) -> None:
    story = Story()
    story.add(EDITOR, "x")
    refuse_in_turn(story, kind)
    judgement = judge(story.history())
    assert kinds(judgement) == [] and judgement.decisions[0].verdict == "uncounted"


def test_a_report_in_one_turn_causes_nothing_in_the_next() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    assert kinds(judge(story.history())) == []
    story.refuse(kind="begin_turn")
    assert kinds(judge(story.history())) == ["false_positive"]


def test_end_of_a_turn_must_not_report_once_more() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse("one")
    story.refuse("two")
    assert kinds(judge(story.history())) == []
    story.refuse(kind="end_turn")
    (found,) = judge(story.history()).violations
    assert found.kind == "false_positive" and "it had reported before" in found.detail


def test_end_of_a_turn_may_be_the_first_to_report() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.refuse(kind="end_turn")
    assert kinds(judge(story.history())) == []


@pytest.mark.parametrize("kind", ["acquire", "append", "rewrite", "release"])
def test_a_cotenants_refusal_is_false_without_a_cause(kind: str) -> None:
    story = Story()
    story.refuse(lane=CRON, kind=kind)
    assert kinds(judge(story.history())) == ["false_positive"]
    story = Story()
    story.add(EDITOR, "x")
    story.refuse(lane=CRON, kind=kind)
    assert kinds(judge(story.history())) == []


def test_a_refused_write_that_stands_is_a_violation() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.call(RUNNER, "guarded_write", "w")
    story.put(RUNNER, lines("first", "x", "w"))
    story.done(RUNNER, "refused")
    assert kinds(judge(story.history())) == ["refused_write"]


def test_a_refused_write_that_was_taken_back_is_a_violation() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.call(RUNNER, "guarded_write", "w")
    story.put(RUNNER, lines("first", "x", "w"))
    story.put(RUNNER, lines("first", "x"), call="ftruncate")
    story.done(RUNNER, "refused")
    (found,) = judge(story.history()).violations
    assert found.kind == "refused_write" and "took it back" in found.detail


def test_a_refused_rewrite_may_be_undone() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    content, file = story.content, story.file
    story.put(CRON, line("sum"), "f9", call="renameat2")
    story.put(CRON, content, file, call="renameat2")
    story.done(CRON, "refused")
    assert kinds(judge(story.history())) == []


def test_a_refused_rewrite_in_place_may_be_undone() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    content = story.content
    story.put(CRON, line("sum"))
    story.put(CRON, content)
    story.done(CRON, "refused")
    assert kinds(judge(story.history())) == []


def test_a_file_that_was_put_back_may_have_other_bytes_by_then() -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    file = story.file
    story.put(CRON, line("sum"), "f9", call="renameat2")
    # The editor had opened the file before and wrote to it while it was out of place.
    story.put(CRON, lines("first", "y"), file, call="renameat2")
    story.done(CRON, "refused")
    assert kinds(judge(story.history())) == []


@pytest.mark.parametrize("file", ["f0", "f9"])
def test_a_refused_rewrite_that_stands_is_a_violation(file: str) -> None:
    story = Story()
    story.add(EDITOR, "x")
    story.call(CRON, "rewrite")
    story.put(CRON, line("sum"), file, call="renameat2")
    story.done(CRON, "refused")
    assert kinds(judge(story.history())) == ["refused_write"]


def test_a_write_without_the_lock_beside_its_holder_is_a_double_hold() -> None:
    story = Story()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    with story.op(HEARTBEAT, "append", "h"):
        story.put(HEARTBEAT, lines("first", "h"), held=False)
    (found,) = judge(story.history()).violations
    assert (found.kind, found.lane) == ("double_hold", HEARTBEAT)


def test_a_write_without_the_lock_after_its_release_is_none() -> None:
    story = Story()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    with story.op(CRON, "release"):
        story.lock(CRON, "released")
    with story.op(HEARTBEAT, "append", "h"):
        story.put(HEARTBEAT, lines("first", "h"), held=False)
    assert kinds(judge(story.history())) == []


def test_a_lock_lost_by_a_neighbours_close_is_still_believed() -> None:
    story = Story()
    with story.op(CRON, "acquire"):
        story.lock(CRON, "acquired")
    with story.op(HEARTBEAT, "load"):
        story.lock(HEARTBEAT, "released")
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    story.add(CRON, "c")
    assert kinds(judge(story.history())) == ["double_hold"]


def test_not_implemented_is_a_crash_but_in_recover() -> None:
    for kind in (*_CALLS, "guarded_write"):
        story = Story()
        with story.op(RUNNER, kind, outcome="unsupported"):
            pass
        assert kinds(judge(story.history())) == ["crash"]
    story = Story()
    with story.op(RUNNER, "recover", outcome="unsupported"):
        pass
    assert kinds(judge(story.history())) == []


def test_a_change_undone_in_one_call_counts_once_it_was_read() -> None:
    for reader, expected in ((None, ["false_positive"]), (HEARTBEAT, [])):
        story = Story()
        story.window()
        story.call(EDITOR, "action")
        story.put(EDITOR, lines("first", "x"))
        if reader is not None:
            with story.op(reader, "load"):
                story.look(reader)
        story.put(EDITOR, line("first"), call="ftruncate")
        story.done(EDITOR)
        story.refuse("one")
        assert kinds(judge(story.history())) == expected


def test_two_violations_are_in_order_of_time() -> None:
    story = Story()
    with story.op(HEARTBEAT, "load", outcome="crash"):
        pass
    story.refuse(lane=CRON, kind="acquire")
    found = judge(story.history()).violations
    assert [one.kind for one in found] == ["crash", "false_positive"] and found[0].at < found[1].at
