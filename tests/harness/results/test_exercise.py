"""The exercised parts of a scenario, and the lacks of a pass where a call never did its work."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from harness.explore.shortfalls import shortfalls
from harness.model.history import Header
from harness.results.exercise import Exercise
from harness.results.stats import Stats
from harness.scenario import load
from tests.harness.oracle.histories import CRON, RUNNER, Story
from tests.harness.scenario.examples import SMALL, write

LACKS_LOCK = "none of 2 calls of begin_turn that returned took the watched lock"
LACKS_RECOVERY = "none of 1 calls of recover was supported by the fence"


def _turn(story: Story, *, taken: bool) -> None:
    with story.op(RUNNER, "begin_turn"):
        if taken:
            story.lock(RUNNER, "acquired")
    if taken:
        story.rest()
    story.admit()


def _told(tmp_path: Path, *stories: Story, gate: str = "kernel") -> list[str]:
    """Return what a search with these schedules lacks; each counts as one in which all else happened."""
    total = Exercise()
    for story in stories:
        exercise = Exercise()
        exercise.add(story.history(), 1)
        total.merge(exercise)
    stats = Stats(schedules=len(stories), exercise=total)
    words = shortfalls(load(write(tmp_path, SMALL)), gate, stats)
    return [word for word in words if not word.endswith("never wrote")]


def _stories(*taken: bool) -> list[Story]:
    stories = []
    for one in taken:
        stories.append(Story())
        _turn(stories[-1], taken=one)
    return stories


def test_a_begin_turn_that_never_takes_the_lock_is_told(tmp_path: Path) -> None:
    assert _told(tmp_path, *_stories(False, False)) == [LACKS_LOCK]


def test_one_that_takes_the_lock_now_and_then_is_not(tmp_path: Path) -> None:
    assert _told(tmp_path, *_stories(False, True)) == []


def test_a_fence_without_a_lock_was_to_take_none(tmp_path: Path) -> None:
    exercise = Exercise()
    (story,) = _stories(False)
    history = story.history()
    exercise.add(msgspec.structs.replace(history, header=_without_lock(history.header)), 1)
    stats = Stats(schedules=1, exercise=exercise)
    assert exercise.decisions == 1 and exercise.taken == 0
    assert LACKS_LOCK.replace("2", "1") not in shortfalls(load(write(tmp_path, SMALL)), "kernel", stats)


def _without_lock(header: Header) -> Header:
    return msgspec.structs.replace(header, lock_kind="none")


def test_another_lanes_lock_is_not_the_callers(tmp_path: Path) -> None:
    stories = [Story(), Story()]
    for story in stories:
        with story.op(CRON, "acquire"):
            story.lock(CRON, "acquired")
        _turn(story, taken=False)
    assert _told(tmp_path, *stories) == [LACKS_LOCK]


@pytest.mark.parametrize("kind", ["acquire", "begin_turn"])
def test_a_lock_that_the_lane_has_already_counts(tmp_path: Path, kind: str) -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn"):
        story.lock(RUNNER, "acquired")
    with story.op(RUNNER, kind):
        story.look(RUNNER)
    assert _told(tmp_path, story) == []


def test_a_call_that_failed_was_to_take_nothing(tmp_path: Path) -> None:
    story = Story()
    with story.op(RUNNER, "begin_turn", outcome="lock_timeout"):
        story.look(RUNNER, path="T.lock")
    story.admit()
    assert _told(tmp_path, story) == []


@pytest.mark.parametrize(("last", "had"), [("reclaimed", 0), ("returned", 1)])
def test_a_reclaimed_lock_is_held_no_more(last: str, had: int) -> None:
    story, exercise = Story(), Exercise()
    story.call(RUNNER, "begin_turn")
    story.lock(RUNNER, "acquired")
    story.call(CRON, "acquire")
    story.lock(CRON, "reclaimed", RUNNER)
    if last == "returned":
        story.lock(CRON, "returned", RUNNER)
    story.done(RUNNER)
    exercise.add(story.history(), 0)
    assert (exercise.took["begin_turn"], exercise.had["begin_turn"]) == (1, had)


def test_the_free_gate_knows_no_lock(tmp_path: Path) -> None:
    assert _told(tmp_path, *_stories(False, False), gate="free") == []


def _recovering(*outcomes: str) -> Story:
    story = Story()
    _turn(story, taken=True)
    for outcome in outcomes:
        with story.op(RUNNER, "recover", outcome=outcome):
            pass
    return story


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ((), []),
        (("skipped",), []),
        (("ok",), []),
        (("unsupported",), [LACKS_RECOVERY]),
        (("skipped", "unsupported"), [LACKS_RECOVERY]),
        (("unsupported", "ok"), []),
        (("unsupported", "lock_timeout"), []),
    ],
)
def test_a_recovery_that_is_never_supported_is_told(
    tmp_path: Path, outcomes: tuple[str, ...], told: list[str]
) -> None:
    assert _told(tmp_path, _recovering(*outcomes)) == told
