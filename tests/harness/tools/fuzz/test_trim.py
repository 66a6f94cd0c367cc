"""Cuts are valid, smaller, and come to an end."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings

from harness.scenario import load_data
from harness.tools.fuzz.scenario_strategies import scenarios
from harness.tools.fuzz.trim import cuts

HEAD = {"name": "drawn", "about": "drawn", "source": "drawn", "expect": {}}
FULL = {
    "policy": "coordinated",
    "lanes": [
        {"role": "runner", "think_steps": [1, 3], "prompt": []},
        {"role": "cron", "process": "gateway"},
        {"role": "cron", "name": "cron2", "count": 2},
        {"role": "editor", "actions": ["touch", "chmod"]},
    ],
    "filesystem": {"time_grain_ms": 4},
    "faults": [{"lane": "cron2", "call": "write", "cut": True, "error": "EIO", "nth": [1, 2]}],
}


@settings(
    database=None, derandomize=True, deadline=None, max_examples=60, suppress_health_check=list(HealthCheck)
)
@given(scenarios("coordinated"))
def test_every_cut_is_a_shorter_scenario(data: dict[str, Any]) -> None:
    before = copy.deepcopy(data)
    for smaller in cuts(data):
        load_data({**HEAD, **smaller})
        assert len(json.dumps(smaller)) < len(json.dumps(data))
    assert data == before


def _cut_as_long_as(data: dict[str, Any], keeps: str) -> dict[str, Any]:
    """Cut as long as some text stays, and return the last cut."""
    while (smaller := next((cut for cut in cuts(data) if keeps in json.dumps(cut)), None)) is not None:
        data = smaller
    return data


def test_only_a_runner_is_left_in_the_end() -> None:
    assert _cut_as_long_as(FULL, "") == {"policy": "coordinated", "lanes": [{"role": "runner"}]}


def test_only_the_part_that_matters_stays() -> None:
    assert _cut_as_long_as(FULL, "chmod") == {
        "policy": "coordinated",
        "lanes": [{"role": "runner"}, {"role": "editor", "actions": ["chmod"]}],
    }


def test_a_fault_keeps_its_lane() -> None:
    left = _cut_as_long_as(FULL, '"faults"')
    assert left["lanes"] == [{"role": "runner"}, {"role": "cron", "name": "cron2"}]
    assert left["faults"] == [{"lane": "cron2", "call": "write", "error": "EIO"}]


def test_a_lane_loses_a_name_that_is_not_needed() -> None:
    assert {"role": "cron"} in _cut_as_long_as(FULL, '"cron"')["lanes"]
