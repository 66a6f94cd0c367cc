"""Tests of `harness.oracle.violation_detail`: violations of one kind are told apart."""

from __future__ import annotations

from harness.oracle import Judgement, Violation, judge, subkind_of
from tests.harness.oracle.histories import EDITOR, HEARTBEAT, RUNNER, Story


def subkinds(judgement: Judgement) -> list[tuple[str, str]]:
    return [(one.kind, subkind_of(judgement, one)) for one in judgement.violations]


def test_a_crash_is_told_by_its_exception() -> None:
    story = Story()
    for detail in ("KeyError: 'ino'", "OSError", ""):
        with story.op(HEARTBEAT, "load", outcome="crash", detail=detail):
            pass
    assert subkinds(judge(story.history())) == [("crash", "KeyError"), ("crash", "OSError"), ("crash", "")]


def test_a_missed_takeover_that_had_raced_before_is_absorbed() -> None:
    story = Story()
    story.window()
    story.admit(during=lambda: story.add(EDITOR, "x"))
    story.admit("two")
    assert subkinds(judge(story.history())) == [("missed_takeover", "absorbed")]


def test_other_violations_have_no_kind_of_their_own() -> None:
    story = Story()
    story.window()
    story.add(EDITOR, "x")
    story.admit("one")
    assert subkinds(judge(story.history())) == [("missed_takeover", "")]


def test_a_decision_of_another_lane_or_event_says_nothing() -> None:
    story = Story()
    story.window()
    story.admit(during=lambda: story.add(EDITOR, "x"))
    at = story.admit("two")
    judgement = judge(story.history())
    for place, lane, kind in ((at, RUNNER, "absorbed"), (at, HEARTBEAT, ""), (at + 1, RUNNER, "")):
        assert subkind_of(judgement, Violation("lost_entry", place, lane, 0, "gone")) == kind
