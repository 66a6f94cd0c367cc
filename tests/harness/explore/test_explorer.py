"""The seed that one schedule's strategy draws from, and what an explorer refuses to run."""

from __future__ import annotations

import pytest

from harness.explore.explorer import _check_transcripts, strategy_seed
from harness.model.errors import UsageError
from harness.scenario import load_data
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


def test_an_adapter_that_knows_one_transcript_is_refused_a_second() -> None:
    plain = {"name": "small", "about": "Small.", "source": "own", "policy": "coordinated", "expect": {}}
    apart = {"role": "cron", "transcript": "other"}
    one = load_data({**plain, "lanes": [{"role": "runner"}]})
    two = load_data({**plain, "lanes": [{"role": "runner"}, apart]})
    _check_transcripts(one, "exec:fence", True)
    _check_transcripts(two, "ledger", False)
    with pytest.raises(UsageError, match="exec:fence has one adapter for all lanes of a process"):
        _check_transcripts(two, "exec:fence", True)
