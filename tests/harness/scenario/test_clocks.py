"""The keys of clocks that are wrong: drawn once for a process, refused where they say nothing."""

from __future__ import annotations

from typing import Any

import pytest

from harness.cli.search_tasks import exhaustive
from harness.explore.search_task import SearchTask
from harness.model.errors import ScenarioError, UsageError
from harness.model.program import ClockSkew
from harness.scenario import Scenario, load_data
from harness.scenario.definition import dump
from harness.scenario.plan import draw
from harness.scenario.transport import pack, unpack

MS = 1_000_000


def _load(*lanes: dict[str, Any], **keys: object) -> Scenario:
    return load_data(
        {
            "name": "small",
            "about": "about",
            "source": "source",
            "policy": "coordinated",
            "lanes": [{"role": "runner", "process": "gateway"}, *lanes],
            "expect": {},
            **keys,
        }
    )


def _cron(clock: object, **keys: object) -> dict[str, Any]:
    return {"role": "cron", "process": "far", "clock": clock, **keys}


def _faults(*lanes: dict[str, Any], **keys: object) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        _load(*lanes, **keys)
    return [f"{fault.path}: {fault.message}" for fault in caught.value.faults]


def test_a_clock_is_off_until_it_is_set_back() -> None:
    skew = ClockSkew(off_ms=-100, back_ms=30, after_ms=7)
    assert skew.offset_ns(7 * MS - 1) == -100 * MS
    assert skew.offset_ns(7 * MS) == -130 * MS
    assert skew.told() == "100 ms behind, set back by 30 ms after 7 ms"
    assert ClockSkew(off_ms=5).told() == "5 ms ahead"


def test_ranges_are_drawn_once_for_a_process_and_schedule() -> None:
    clock = {"off_ms": [-5000, 5000], "back_ms": [1, 1000], "after_ms": [0, 100]}
    scenario = _load(_cron(clock, name="a"), _cron(clock, name="b"), filesystem={"clock": clock})
    drawn = [draw(scenario, 1, index) for index in range(20)]
    for program in drawn:
        assert program.lanes[0].clock is None
        assert program.lanes[1].clock == program.lanes[2].clock
    assert len({program.lanes[1].clock.off_ms for program in drawn if program.lanes[1].clock}) > 10
    assert len({program.filesystem.clock.off_ms for program in drawn if program.filesystem.clock}) > 10


def test_a_clock_changes_nothing_else_that_is_drawn() -> None:
    wrong, right = _load(_cron({"off_ms": [1, 9]})), _load({"role": "cron", "process": "far"})
    assert [lane.ops for lane in draw(wrong, 1, 0).lanes] == [lane.ops for lane in draw(right, 1, 0).lanes]


def test_a_process_that_comes_back_has_the_clock_of_its_host() -> None:
    lane = _cron({"off_ms": [1, 9_000]}, restart={"after_ms": 5})
    first, again = draw(_load(lane, faults=[{"lane": "cron", "kill": True}]), 1, 0).lanes[1:]
    assert again.process == "far-again"
    assert first.clock == again.clock is not None


def test_clocks_survive_transport_and_storage() -> None:
    scenario = _load(_cron({"off_ms": [1, 9]}), filesystem={"like": "nfs", "clock": {"back_ms": 5}})
    assert unpack(pack(scenario)) == scenario
    assert load_data({**dump(scenario), "name": "small"}) == scenario
    assert scenario.faulty
    assert not _load().faulty


@pytest.mark.parametrize(
    ("clock", "fault"),
    [
        ({}, "clock: this clock is right; give off_ms or back_ms, or remove it"),
        ({"off_ms": 0}, "clock: this clock is right; give off_ms or back_ms, or remove it"),
        (
            {"off_ms": 5, "after_ms": 9},
            "clock.after_ms: the clock is never set back; give back_ms, or remove",
        ),
        ({"off_ms": 90_000_000}, "clock.off_ms: must be <= 8.64e+07 (got 90000000)"),
        ({"back_ms": -5}, "clock.back_ms: must be >= 0 (got -5)"),
        ({"of_ms": 5}, "clock.of_ms: unknown key; did you mean 'off_ms'?"),
        (60_000, "clock: must be a mapping (got 60000)"),
    ],
)
def test_a_mistake_is_told_at_its_place(clock: object, fault: str) -> None:
    (found,) = _faults(_cron(clock))
    assert found.startswith(f"lanes[1].{fault}")
    (found,) = _faults(filesystem={"clock": clock})
    assert found.startswith(f"filesystem.{fault}")


def test_a_process_has_one_clock() -> None:
    (found,) = _faults(_cron({"off_ms": 5}, name="a"), {"role": "cron", "name": "b", "process": "far"})
    assert found == "lanes[2]: process 'far' has another clock in line 1; give all its lanes the same"


@pytest.mark.parametrize(
    ("lane", "filesystem", "place"),
    [
        (_cron({"back_ms": 5}), {}, "lanes: clock.back_ms: the date that a process reads"),
        (_cron({"off_ms": 5}), {"clock": {"back_ms": 5}}, "filesystem.clock.back_ms: the answer of stat"),
    ],
)
def test_a_clock_that_is_set_back_leaves_no_classes(
    lane: dict[str, Any], filesystem: dict[str, Any], place: str
) -> None:
    task = SearchTask(_load(lane, filesystem=filesystem), "none", "kernel", "exhaustive", 1, 10, 1.0)
    with pytest.raises(UsageError, match=f"{place} changes with time alone"):
        exhaustive([task], 0, -1)
    assert len(exhaustive([task], 0, 2)) == 1
    steady = SearchTask(_load(_cron({"off_ms": 5})), "none", "kernel", "exhaustive", 1, 10, 1.0)
    assert len(exhaustive([steady], 0, -1)) == 1
