"""The oracle and a judge that only compares bytes agree on each decision that both can judge."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.oracle import judge
from tests.harness.oracle.histories import EDITOR, HEARTBEAT, Story, line, lines
from tests.harness.oracle.naive import answers
from tests.harness.oracle.random_histories import Play, plays

_NOT_TORN = st.just(False)


@settings(deadline=None, print_blob=True, max_examples=200)
@given(plays(torn=_NOT_TORN))
def test_both_judges_agree_wherever_the_naive_one_can_tell(play: Play) -> None:
    history = play.history()
    right = answers(history)
    decisions = judge(history).decisions
    assert {(made.lane, made.op) for made in decisions} == set(right)
    for made in decisions:
        allowed = right[(made.lane, made.op)]
        assert allowed is None or made.verdict in allowed, (made, allowed)


def test_the_naive_judge_knows_the_plain_cases() -> None:
    story = Story()
    story.window()
    story.add(HEARTBEAT, "h")
    story.admit("one")
    story.add(EDITOR, "x")
    story.admit("two")
    story.refuse("three")
    story.refuse("four")
    assert list(answers(story.history()).values()) == [
        {"true_negative"},
        {"missed_takeover"},
        {"true_positive", "uncounted"},
        {"false_positive", "uncounted"},
    ]


def test_the_naive_judge_knows_racing_and_undone_writes() -> None:
    story = Story()
    story.window()
    story.admit("one", during=lambda: story.write(EDITOR, lines("first") + line("x")))
    story.write(EDITOR, lines("first", "one"))
    story.admit("two")
    assert list(answers(story.history()).values()) == [{"racing"}, {"true_negative"}]
