"""The seed that one schedule's strategy draws from."""

from __future__ import annotations

from harness.explore.explorer import mix


def test_seeds_of_schedules_are_those_of_recorded_histories() -> None:
    assert [mix(0, 0), mix(1, 0), mix(1, 1), mix(2**70, 3)] == [
        *(0x6DB6CA64564DAEAA, 0x5CC60547776902BA, 0x5BF9F33C5098100C, 0xA1110C640177D85E),
    ]


def test_no_two_schedules_draw_from_one_seed() -> None:
    found = {mix(seed, index) for seed in range(100) for index in range(100)}
    assert len(found) == 100 * 100
    assert all(0 <= seed < 2**64 for seed in found)
