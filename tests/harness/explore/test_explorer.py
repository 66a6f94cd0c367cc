"""The seed that one schedule's strategy draws from."""

from __future__ import annotations

from harness.explore.explorer import strategy_seed
from harness.scenario.plan import program_seed


def test_seeds_of_schedules_are_those_of_recorded_histories() -> None:
    pairs = ((0, 0), (1, 0), (1, 1), (2**70, 3))
    assert [strategy_seed(*pair) for pair in pairs] == [
        *(0x6DB6CA64564DAEAA, 0x5CC60547776902BA, 0x5BF9F33C5098100C, 0xA1110C640177D85E),
    ]


def test_no_two_schedules_draw_from_one_seed() -> None:
    found = {strategy_seed(seed, index) for seed in range(100) for index in range(100)}
    assert len(found) == 100 * 100
    assert all(0 <= seed < 2**64 for seed in found)


def test_programs_and_strategies_draw_from_different_seeds() -> None:
    pairs = [(seed, index) for seed in range(20) for index in range(20)]
    programs = {program_seed(*pair) for pair in pairs}
    assert programs.isdisjoint(strategy_seed(*pair) for pair in pairs)
