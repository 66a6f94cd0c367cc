"""Time, sleep and chance belong to the harness."""

from __future__ import annotations

import errno
import json

import pytest

from tests.harness.gates.kernel.looking import Looking
from tests.harness.gates.kernel.stage import START_NS, Stage

pytestmark = pytest.mark.requires("kernel-gate")

MS = 1_000_000
HOUR = 3_600_000 * MS


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("time"), Looking) as stage:
        yield stage


def said(stage: Stage, *words: str, **options: object) -> list[str]:
    seen = stage.run(words, **options)
    assert not seen.end.inconclusive
    return [detail for detail in seen.said() if detail]


def test_each_step_takes_the_program_s_time(stage: Stage) -> None:
    first, second = map(json.loads, said(stage, "clock", "write", "clock"))
    assert first[0] == START_NS
    assert second[0] == START_NS + 3 * MS
    first, second = map(json.loads, said(stage, "clock", "write", "clock", step_ns=7))
    assert second[0] - first[0] == 21


def test_all_clocks_tell_the_same(stage: Stage) -> None:
    ((wall, by_time, by_monotonic),) = map(json.loads, said(stage, "clock"))
    assert by_time == by_monotonic == wall // MS
    assert said(stage, "clocks_agree") == ["yes"]


def test_a_clock_that_was_imported_by_name_is_virtual_as_well(stage: Stage) -> None:
    ((imported, looked_up),) = map(json.loads, said(stage, "imported_clock"))
    assert imported == looked_up


@pytest.mark.parametrize(
    ("word", "slept"),
    [("sleep", 24 * HOUR), ("no_sleep", 0), ("nanosleep", HOUR + 500), ("clock_nanosleep", HOUR + 500)],
)
def test_a_sleep_is_a_step_and_takes_virtual_time_alone(stage: Stage, word: str, slept: int) -> None:
    seen = stage.run([word])
    assert seen.calls() == ["sleep"]
    assert seen.said() == [str(slept + MS)]


def test_a_sleep_until_a_real_time_takes_the_rest_of_it(stage: Stage) -> None:
    slept = int(said(stage, "clock_nanosleep_until")[0])
    assert HOUR - 500 * MS < slept <= HOUR + 2 * MS


def test_a_sleep_without_an_end_does_not_end_the_harness(tmp_path) -> None:
    with Stage(tmp_path, Looking, ["p", "q"]) as stage:
        seen = stage.run(["sleep_for_ever"], ["write"])
        assert not seen.end.inconclusive
        assert seen.outcomes(1) == ["ok"]
        assert len(stage.run(["write"], ["write"]).steps) == 6


def test_a_sleep_that_the_kernel_refuses_is_refused(stage: Stage) -> None:
    assert said(stage, "sleep_wrongly") == ['["EINVAL", "EINVAL", "EFAULT"]']


def test_a_sleeper_is_not_ready_before_its_time_has_come(tmp_path) -> None:
    with Stage(tmp_path, Looking, ["p", "q"]) as stage:
        seen = stage.run(["nanosleep", "clock"], ["write", "write", "clock"])
    assert [step.lane for step in seen.steps] == [1] * 6 + [0]
    assert json.loads(seen.said(1)[-1])[0] == START_NS + 6 * MS
    # No other lane was left: time jumped. The six milliseconds of the other's steps are part of the hour.
    assert json.loads(seen.said(0)[-1])[0] == START_NS + HOUR + 500 + MS


def test_a_pause_lets_time_jump_to_the_first_waking_lane(tmp_path) -> None:
    with Stage(tmp_path, Looking, ["p", "q", "r"]) as stage:
        seen = stage.run(["pause:300", "clock"], ["pause:100", "clock"], ["pause:200", "clock"])
    assert [step.lane for step in seen.steps] == [1, 2, 0]
    clocks = [(json.loads(seen.said(lane)[-1])[0] - START_NS) // MS for lane in range(3)]
    assert clocks == [301, 101, 201]


def test_thinking_is_as_many_steps_as_it_says(stage: Stage) -> None:
    assert stage.run(["think:3", "write"]).calls() == ["think"] * 3 + ["openat T", "write T", "close T"]


def test_random_numbers_are_the_same_in_each_schedule(stage: Stage) -> None:
    first = said(stage, "random", "random")
    assert said(stage, "random", "random") == first
    (bytes_, raw, identity, number), (others, *_) = map(json.loads, first)
    assert len({bytes_, raw, others}) == 3
    assert len(identity) == 36
    assert 0 <= number < 1


def test_random_numbers_that_take_no_call_are_the_same_too(stage: Stage) -> None:
    first = said(stage, "random_by_vdso", "random_by_vdso")
    assert said(stage, "random_by_vdso", "random_by_vdso") == first
    (asked, drawn), (_, others) = map(json.loads, first)
    assert asked == -errno.ENOSYS
    assert drawn != others


def test_another_program_draws_other_numbers_from_python_s_generator(stage: Stage) -> None:
    first, second = (said(stage, "random", clock_start_ns=START_NS + offset)[0] for offset in (0, 1))
    assert json.loads(first)[3] != json.loads(second)[3]
