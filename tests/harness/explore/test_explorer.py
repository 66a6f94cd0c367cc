"""The seed of a schedule's strategy."""

from __future__ import annotations

from harness.explore.explorer import strategy_seed
from harness.scenario.plan import program_seed


def test_the_strategy_seed_of_a_schedule_never_changes() -> None:
    assert [strategy_seed(0, 0), strategy_seed(1, 0), strategy_seed(1, 2)] == [
        0x6DB6CA64564DAEAA,
        0x5CC60547776902BA,
        0x4C11FE0B2E6DC452,
    ]


def test_strategy_seeds_of_seeds_and_schedules_differ() -> None:
    seeds = (*range(20), 2**31, 2**63)
    found = {strategy_seed(seed, index) for seed in seeds for index in range(50)}
    assert len(found) == len(seeds) * 50
    assert all(0 <= seed < 2**64 for seed in found)


def test_programs_and_strategies_draw_from_different_seeds() -> None:
    pairs = [(seed, index) for seed in range(20) for index in range(20)]
    programs = {program_seed(*pair) for pair in pairs}
    assert programs.isdisjoint(strategy_seed(*pair) for pair in pairs)
