"""Calls on another transcript are judged for crashes and dead ends, and for nothing else."""

from __future__ import annotations

import msgspec
import pytest

from harness.model.history import History
from harness.oracle import judge
from harness.oracle.elsewhere import without_elsewhere
from tests.harness.oracle.histories import CRON, HEARTBEAT, LANES, RUNNER, Story, line

NEIGHBOUR = msgspec.structs.replace(LANES[HEARTBEAT], transcript="other")
APART = (LANES[RUNNER], NEIGHBOUR, *LANES[CRON:])


def kinds(history: History) -> list[str]:
    """Return the violations, and check that the first pass and the whole analysis agree."""
    assert judge(history) == judge(history, full=True)
    return [violation.kind for violation in judge(history).violations]


def appended(lanes: tuple, *, outcome: str = "ok") -> History:
    """Return a history in which the heartbeat appends, and the watched transcript stays as it is."""
    story = Story(lanes=lanes)
    story.window()
    with story.op(HEARTBEAT, "acquire"):
        story.look(HEARTBEAT, "openat", "tmp1")
    story.call(HEARTBEAT, "append", "h")
    story.look(HEARTBEAT, "write", "tmp2")
    story.done(HEARTBEAT, outcome)
    story.admit()
    return story.history()


def test_entries_on_another_transcript_are_not_missed_here() -> None:
    assert kinds(appended(LANES)) == ["lost_entry"]
    assert kinds(appended(APART)) == []


def test_a_refusal_of_another_transcript_is_no_verdict() -> None:
    assert kinds(appended(LANES, outcome="refused")) == ["false_positive"]
    assert kinds(appended(APART, outcome="refused")) == []


def test_a_runners_turn_on_another_transcript_has_no_decisions() -> None:
    lanes = (msgspec.structs.replace(LANES[RUNNER], transcript="other"), *LANES[1:])
    story = Story(lanes=lanes)
    story.window()
    story.admit()
    assert judge(story.history()).decisions == ()


def test_a_crash_on_another_transcript_is_a_crash() -> None:
    assert kinds(appended(APART, outcome="crash")) == ["crash"]


def test_a_write_into_the_watched_transcript_counts_all_the_same() -> None:
    story = Story(lanes=APART)
    story.window()
    with story.op(HEARTBEAT, "append"):
        story.put(HEARTBEAT, line("first") + line("h"), held=False)
    story.admit()
    assert kinds(story.history()) == ["missed_takeover"]


@pytest.mark.parametrize("lanes", [LANES, APART])
def test_events_stay_in_their_places(lanes: tuple) -> None:
    history = appended(lanes)
    found = without_elsewhere(history)
    assert len(found.events) == len(history.events)
    assert (found is history) == (lanes is LANES)
