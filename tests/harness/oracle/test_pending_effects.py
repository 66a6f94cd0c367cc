"""Tests of `harness.oracle.pending_effects`: which effects a decision meets, and how they count."""

from __future__ import annotations

import pytest

from harness.oracle import judge
from tests.harness.oracle.histories import CRON, EDITOR, RUNNER, Story, lines


def verdicts(story: Story) -> list[str]:
    return [decision.verdict for decision in judge(story.history()).decisions]


@pytest.mark.parametrize(
    ("begin", "second"), [(119, "uncounted"), (120, "uncounted"), (121, "false_positive")]
)
def test_an_operation_that_touches_a_decision_stays_in_its_steps(begin: int, second: str) -> None:
    story = Story(gate="free")
    story.window()
    assert story.now <= 100
    content = story.content
    story.call(EDITOR, "action")
    story.put(EDITOR, b"", call="openat", at=(105, 110))
    story.put(EDITOR, content, at=(112, 120))
    story.done(EDITOR)
    story.call(RUNNER, "guarded_write")
    story.look(RUNNER, "statx", at=(begin, 130))
    story.done(RUNNER)
    story.refuse()
    assert verdicts(story)[1] == second


def test_a_rogues_copy_of_an_unseen_line_is_a_takeover() -> None:
    """The transcript was never away, so the co-tenant cannot have written to it."""
    for answer, verdict in (("admit", "missed_takeover"), ("refuse", "true_positive")):
        story = Story()
        story.window()
        with story.op(CRON, "append", "c"):
            story.look(CRON, "write", "tmp1")
        story.write(EDITOR, lines("first", "c"))
        getattr(story, answer)()
        assert verdicts(story) == [verdict]


def test_each_effect_is_reported_once() -> None:
    story = Story()
    story.window()
    first = story.add(EDITOR, "x")
    story.refuse("one")
    second = story.add(EDITOR, "y")
    story.refuse("two")
    story.refuse("three")
    found = judge(story.history()).decisions
    assert [(one.verdict, one.causes) for one in found] == [
        ("true_positive", (first,)),
        ("true_positive", (second,)),
        ("uncounted", ()),
    ]


def test_an_operation_of_several_steps_is_reported_as_a_whole() -> None:
    story = Story()
    story.window()
    with story.op(EDITOR, "action"):
        first = story.put(EDITOR, lines("first", "x"))
        second = story.put(EDITOR, lines("first", "x", "y"))
    story.refuse("one")
    story.refuse("two")
    found = judge(story.history()).decisions
    assert [(one.verdict, one.causes) for one in found] == [
        ("true_positive", (first, second)),
        ("uncounted", ()),
    ]
