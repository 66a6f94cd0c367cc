"""A lane that is alone in a directory goes on there unasked, until another one comes."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest

from harness.model.gate import Candidate
from harness.strategies.strategy import Strategy
from tests.harness.gates.kernel.folders import Folders
from tests.harness.gates.kernel.stage import Seen, Stage, program_of

pytestmark = pytest.mark.requires("kernel-gate")
FILLING = "openat d/"


class Asked(Strategy):
    """Lets the first lane go on, and from some step on the second; notes what it is asked."""

    name = about = "asked"  # type: ignore[assignment]

    def __init__(self, other_after: int = 1000) -> None:
        self.asked: list[str] = []
        self._other_after = other_after

    def begin(self, rng: random.Random, lanes: int) -> None:
        self.asked = []

    def pick(self, candidates: Sequence[Candidate]) -> int:
        places = {candidate.lane: place for place, candidate in enumerate(candidates)}
        other = len(self.asked) >= self._other_after
        place = places.get(1 if other else 0, 0)
        self.asked.append(f"{candidates[place].call} {candidates[place].path}")
        return place

    def end(self, steps: int) -> None:
        assert steps == len(self.asked)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("own"), Folders, ("p", "q")) as stage:
        yield stage


def play(stage: Stage, strategy: Strategy, first: list[str], second: list[str]) -> Seen:
    seen = stage.play(program_of(stage.lanes, [first, second]), strategy)
    assert not seen.end.inconclusive
    return seen


def filling(calls: Sequence[str]) -> int:
    return sum(call.startswith(FILLING) for call in calls)


def test_a_lane_that_was_alone_in_a_directory_for_long_is_not_asked_about(stage: Stage) -> None:
    strategy = Asked()
    seen = play(stage, strategy, ["make", "fill"], ["think:2"])
    assert filling(seen.calls(0)) == 30
    assert 0 < filling(strategy.asked) < 30
    # Questions about its calls elsewhere go on to the end.
    assert len(seen.schedule.choices) == len(seen.steps) > len(strategy.asked)


def test_it_is_asked_about_again_once_another_lane_stops_there(stage: Stage) -> None:
    strategy = Asked(other_after=4)
    # The second lane stands before its look into the directory from then on.
    seen = play(stage, strategy, ["make", "fill"], ["look_in"])
    assert filling(strategy.asked) == filling(seen.calls(0)) == 30


def test_a_strategy_that_asks_for_all_steps_gets_them(stage: Stage) -> None:
    strategy = Asked()
    strategy.sees_own_steps = True  # type: ignore[misc]
    seen = play(stage, strategy, ["make", "fill"], ["think:2"])
    assert filling(strategy.asked) == 30
    assert len(seen.steps) == len(strategy.asked)


def test_a_step_on_the_transcript_by_another_name_is_never_its_own(stage: Stage) -> None:
    strategy = Asked()
    seen = play(stage, strategy, ["make", "fill_and_link"], ["think:2"])
    assert seen.calls(0).count("write T") == strategy.asked.count("write T") == 1
    assert seen.changes()
    assert filling(strategy.asked) < 30


def test_a_fence_of_one_process_is_always_asked_about(stage: Stage) -> None:
    strategy = Asked()
    words = ["make", *["write_in"] * 40]
    seen = play(stage, strategy, words, ["think:2"])
    assert len(seen.steps) == len(strategy.asked) > 100
