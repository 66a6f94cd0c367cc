"""The oracle on refusals after a fault told a call something untrue about a name."""

from __future__ import annotations

import pytest

from harness.oracle import judge
from tests.harness.oracle.histories import CRON, RUNNER, Story


def _kinds(story: Story) -> list[str]:
    return [violation.kind for violation in judge(story.history()).violations]


def _refuse(story: Story, name: str, fault: str) -> None:
    with story.op(RUNNER, "guarded_write", name, outcome="refused", detail="gone"):
        story.lock(RUNNER, "acquired")
        story.look(RUNNER, "openat", fault=fault)
        story.lock(RUNNER, "released")


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("ENOENT", []),
        ("ENOTDIR", []),
        ("ELOOP", []),
        ("EIO", ["false_positive"]),
        ("EACCES", ["false_positive"]),
        ("", ["false_positive"]),
    ],
)
def test_a_fence_may_believe_that_the_name_is_gone(fault: str, kinds: list[str]) -> None:
    story = Story()
    story.window()
    _refuse(story, "reply", fault)
    assert _kinds(story) == kinds


def test_a_belief_of_a_fence_lasts_for_its_turn() -> None:
    story = Story()
    story.window()
    _refuse(story, "reply", "ENOENT")
    story.refuse("again")
    with story.op(RUNNER, "end_turn", outcome="refused"):
        pass
    assert _kinds(story) == []


def test_an_earlier_call_of_the_turn_may_have_misled_it() -> None:
    story = Story()
    story.window()
    with story.op(RUNNER, "append", "own", outcome="failed"):
        story.look(RUNNER, "openat", fault="ENOENT")
    story.refuse("reply")
    assert _kinds(story) == []


@pytest.mark.parametrize(("fault", "kinds"), [("EPERM", ["lost_entry"]), ("ENOENT", [])])
def test_a_rewrite_that_is_acknowledged_after_an_error_was_made(fault: str, kinds: list[str]) -> None:
    story = Story()
    with story.op(CRON, "rewrite", "summary"):
        story.lock(CRON, "acquired")
        story.look(CRON, "rename", fault=fault)
        story.lock(CRON, "released")
    assert _kinds(story) == kinds


def test_the_next_turn_is_judged_as_any_other() -> None:
    story = Story()
    story.window()
    _refuse(story, "reply", "ENOENT")
    with story.op(RUNNER, "end_turn"):
        pass
    story.window()
    story.refuse("again")
    assert _kinds(story) == ["false_positive"]
