"""The guided strategy comes stage by stage to deep races, and each schedule follows from its number."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.explore.explorer import strategy_seed
from harness.explore.schedule_runner import run_schedule
from harness.model.schedule import Schedule
from harness.strategies import make
from harness.strategies.strategy import Strategy
from tests.deep import real
from tests.harness.strategies.deep_shapes import DEEP, DeepGate, first_hit, model_forecast, program

STAGED = DEEP["4 retries"]


def run(strategy: Strategy, *numbers: int) -> list[Schedule]:
    """Run schedules as an explorer does, and return what was chosen in them."""
    gate, drawn = DeepGate(STAGED), program(STAGED)

    def one(index: int) -> Schedule:
        part, rng = strategy.part(index), random.Random(strategy_seed(1, index))
        return run_schedule(gate, drawn, part, rng, 1000)[1]  # type: ignore[arg-type]

    found = []
    for index in numbers:
        for earlier in strategy.missing(index):
            one(earlier)
        found.append(one(index))
    return found


@pytest.mark.parametrize("name", ["4 retries", "5 retries"])
def test_a_guided_search_finds_a_race_that_a_random_walk_misses(name: str) -> None:
    race = DEEP[name]
    forecast = model_forecast(race)
    for seed in (2, 3):
        assert first_hit(race, make("guided"), forecast, seed, 150) is not None
        assert first_hit(race, make("random"), forecast, seed, 150) is None


@pytest.mark.requires("kernel-gate")
def test_real_processes_find_it_at_the_same_schedule(tmp_path: Path) -> None:
    race = DEEP["3 retries"]
    in_model = first_hit(race, make("guided"), model_forecast(race), 2, 60)
    assert in_model is not None
    with real(race, tmp_path) as (forecast, play):
        assert first_hit(race, make("guided"), forecast, 2, 60, play) == in_model
        assert first_hit(race, make("random"), forecast, 2, in_model, play) is None


def test_a_schedule_does_not_depend_on_where_a_run_began() -> None:
    whole = run(make("guided"), *range(200))
    assert len({str(one) for one in whole}) > 100
    for first in (1, 60, 127, 128, 150):
        assert run(make("guided"), *range(first, first + 3)) == whole[first : first + 3]
    assert run(make("guided"), 130, 20, 21, 140) == [whole[n] for n in (130, 20, 21, 140)]


def test_a_schedule_that_runs_again_is_the_same() -> None:
    once = run(make("guided"), *range(40))
    assert run(make("guided"), *(n for n in range(40) for _ in range(2))) == [
        one for one in once for _ in range(2)
    ]


def test_schedules_learn_from_none_of_another_family() -> None:
    strategy = make("guided")
    assert [strategy.missing(n) for n in (0, 5, 128, 130)] == [
        *(range(0), range(5), range(128, 128), range(128, 130)),
    ]
    run(strategy, *range(5))
    assert not strategy.missing(5)
    assert strategy.missing(7) == range(7)


def test_many_schedules_begin_as_an_earlier_one_did() -> None:
    """Two walks that draw each step share few; a kept part is longer than that."""

    def longest(found: list[Schedule]) -> list[int]:
        lanes = [[choice.lane for choice in one.choices] for one in found]
        return [
            max(next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
                for other in lanes[:n])
            for n, one in enumerate(lanes) if n
        ]  # fmt: skip

    guided, drawn = (longest(run(make(name), *range(100))) for name in ("guided", "pos"))
    assert sum(guided) > 1.3 * sum(drawn)
