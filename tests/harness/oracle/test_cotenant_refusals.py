"""Refusals of calls outside a turn: the counted ones, and the words about them."""

from __future__ import annotations

from harness.oracle import Decision, judge
from tests.harness.oracle.histories import CRON, EDITOR, HEARTBEAT, Story


def test_a_cotenants_false_refusals_count_each_and_accuse_once() -> None:
    story = Story()
    first = story.refuse(lane=CRON, kind="acquire")
    second = story.refuse(lane=CRON, kind="release")
    judgement = judge(story.history())
    assert judgement.decisions == tuple(
        Decision(CRON, -1, op, "false_positive", causes=(), at=at) for op, at in enumerate((first, second))
    )
    (found,) = judgement.violations
    assert (found.kind, found.at, found.lane, found.op, found.causes) == (
        *("false_positive", first, CRON, 0),
        (),
    )
    assert found.detail == (
        "cron refused its acquire (fingerprint) though nothing unsanctioned had happened, "
        "and no other lane had touched the transcript"
    )


def test_a_cotenants_false_refusal_names_the_sanctioned_steps_before() -> None:
    story = Story()
    at = story.add(HEARTBEAT, "h")
    story.call(CRON, "acquire")
    story.done(CRON, "refused")
    (found,) = judge(story.history()).violations
    assert found.causes == (at,)
    assert "cron refused its acquire though" in found.detail and "heartbeat (write of T" in found.detail


def test_a_cotenants_refusal_with_a_failed_step_is_not_counted() -> None:
    story = Story()
    with story.op(CRON, "acquire", outcome="refused"):
        story.look(CRON, "openat", fault="EIO")
    judgement = judge(story.history())
    assert (judgement.decisions, judgement.violations) == ((), ())


def test_a_cotenants_refusal_during_a_rogues_change_is_not_counted() -> None:
    story = Story()
    story.refuse(lane=CRON, kind="acquire", during=lambda: story.add(EDITOR, "x"))
    judgement = judge(story.history())
    assert (judgement.decisions, judgement.violations) == ((), ())


def test_refusals_of_turns_and_cotenants_are_in_order_of_time() -> None:
    story = Story()
    story.window()
    story.refuse(lane=CRON, kind="acquire")
    story.refuse("one")
    story.refuse(lane=HEARTBEAT, kind="acquire")
    ats = [one.at for one in judge(story.history()).decisions]
    assert len(ats) == 3 and ats == sorted(ats)
