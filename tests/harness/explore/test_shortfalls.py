"""How many schedules a pass needs, as the command line says it."""

from __future__ import annotations

import pytest

from harness.explore.shortfalls import least_of, schedules_for, shortfalls
from harness.model.history import End, History, Invoke, LaneInfo, Return, State, Step
from harness.results.exercise import Exercise, LaneExercise
from harness.results.stats import Stats
from harness.scenario import load_data
from tests.harness.oracle.histories import Story


@pytest.mark.parametrize(
    ("text", "asked", "needed"),
    [("50%", 100, 50), ("50%", 101, 51), ("0%", 100, 0), ("100%", 7, 7), ("20", 100, 20), ("20", 5, 5)],
)
def test_a_pass_needs_a_number_or_share_of_asked_schedules(text: str, asked: int, needed: int) -> None:
    assert least_of(text).of(asked) == needed


@pytest.mark.parametrize("text", ["101%", "-1%", "%", "0", "-3", "half", ""])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        least_of(text)


def test_rare_violations_need_more_schedules() -> None:
    counts = [schedules_for(rate) for rate in (0.5, 0.01, 0.001)]
    assert counts == [5, 299, 2995]
    for rate, count in zip((0.5, 0.01, 0.001), counts, strict=True):
        assert (1 - rate) ** count <= 0.05 < (1 - rate) ** (count - 1)


@pytest.mark.parametrize(("apart", "said"), [({}, ("cron never wrote",)), ({"transcript": "other"}, ())])
def test_a_lane_on_another_transcript_need_not_write_here(
    apart: dict[str, str], said: tuple[str, ...]
) -> None:
    lanes = [{"role": "runner"}, {"role": "cron", **apart}]
    plain = {"name": "small", "about": "Small.", "source": "own", "policy": "coordinated", "expect": {}}
    stats = Stats()
    stats.schedules = stats.exercise.decisions = 1
    assert shortfalls(load_data({**plain, "lanes": lanes}), "kernel", stats) == said


@pytest.mark.parametrize(
    ("acted", "failed", "struck", "passes"),
    [(4, 4, 4, True), (4, 3, 3, False), (4, 4, 0, False), (0, 0, 0, False)],
)
def test_a_lane_whose_calls_a_fault_made_fail_need_not_write(
    acted: int, failed: int, struck: int, passes: bool
) -> None:
    fault = {"lane": "cron", "operations": ["append"], "call": "write", "error": "EIO"}
    plain = {"name": "small", "about": "Small.", "source": "own", "policy": "coordinated", "expect": {}}
    stats = Stats()
    stats.schedules = stats.exercise.decisions = 1
    stats.exercise.lanes["cron"] = LaneExercise(acted=acted, failed=failed)
    if struck:
        stats.exercise.struck["cron:EIO"] = struck
    scenario = load_data({**plain, "lanes": [{"role": "runner"}, {"role": "cron"}], "faults": [fault]})
    assert ("cron never wrote" not in shortfalls(scenario, "kernel", stats)) is passes


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (LaneExercise(), "it was not started"),
        (LaneExercise(acted=3), "it ended without an error"),
        (LaneExercise(acted=3, failed=1, last="status 1"), "status 1"),
    ],
)
def test_a_program_that_changed_nothing_is_told_by_its_end(done: LaneExercise, said: str) -> None:
    plain = {"name": "small", "about": "Small.", "source": "own", "policy": "coordinated", "expect": {}}
    stats = Stats()
    stats.schedules = stats.exercise.decisions = 1
    stats.exercise.lanes["cat"] = done
    lanes = [{"role": "runner"}, {"role": "program", "name": "cat", "argv": ["cat"]}]
    found = shortfalls(load_data({**plain, "lanes": lanes}), "kernel", stats)
    assert found == (f"cat never changed the transcript: {said}",)


@pytest.mark.parametrize("apart", ["", "other"])
def test_a_lock_of_another_transcript_is_not_the_watched_one(apart: str) -> None:
    lane = LaneInfo("cron", "cron", "cron", True, transcript=apart)
    header = Story(lanes=(lane,)).header
    events = (Invoke(0, 0, "acquire"), Step(0, 0, "flock", "tmp1"), Return(0, 0, "ok"), End(State(None)))
    done = Exercise()
    done.add(History(header, events), 0)
    assert (done.taken, done.touched) == ((0, {}) if apart else (1, {"tmp1": 1}))
