"""Every draw can be run, and every role, setting, action and fault is drawn."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from harness.scenario import load_data
from harness.scenario.actions import ACTIONS
from harness.scenario.definition import FilesystemSettings, TranscriptSettings, fault_settings
from harness.scenario.faults import CALLS, ERRORS, OF_NAMES, errors_of
from harness.scenario.plan import draw
from harness.scenario.roles import ROLES
from harness.tools.fuzz.scenario_strategies import LANE_KEYS, LEFT_OUT, fault_of, lane_of, scenarios

HEAD = {"name": "drawn", "about": "drawn", "source": "drawn", "expect": {}}


@settings(
    database=None, derandomize=True, deadline=None, max_examples=150, suppress_health_check=list(HealthCheck)
)
@given(scenarios("coordinated"))
def test_every_draw_is_a_scenario_that_can_be_planned(data: dict[str, Any]) -> None:
    scenario = load_data({**HEAD, **data})
    assert draw(scenario, 1, 0) == draw(scenario, 1, 0)
    assert any(lane.role == "runner" for lane in scenario.lanes)


def _draws(strategy: st.SearchStrategy[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return so many draws, always the same."""
    found: list[dict[str, Any]] = []

    def note(data: dict[str, Any]) -> bool:
        found.append(data)
        return False

    many = settings(database=None, deadline=None, max_examples=count, phases=[Phase.generate])
    with pytest.raises(NoSuchExample):
        find(strategy, note, settings=many, random=random.Random(1))
    return found


@pytest.fixture(scope="module")
def drawn() -> list[dict[str, Any]]:
    """Return many scenarios."""
    return _draws(scenarios("coordinated"), 600)


def _keys(settings_class: type) -> set[str]:
    return {field.name for field in dataclasses.fields(settings_class)}


def test_every_role_is_drawn_with_every_setting_it_has(drawn: list[dict[str, Any]]) -> None:
    # Programs are never drawn: a person has to read what they do.
    assert set(LANE_KEYS) == set(ROLES) - {"program"}
    for name in LANE_KEYS:
        role = ROLES[name]
        seen = {key for data in drawn for lane in data["lanes"] if lane["role"] == name for key in lane}
        assert seen | set(LEFT_OUT) == _keys(role.settings) | set(LEFT_OUT), name


def test_every_action_is_drawn() -> None:
    drawn = _draws(lane_of("editor"), 600)
    assert {name for lane in drawn for name in lane["actions"]} == set(ACTIONS)


def test_every_setting_of_file_system_and_transcript_is_drawn(
    drawn: list[dict[str, Any]],
) -> None:
    # A time until a file is forgotten says nothing without inode_stable: false, which has one of its own.
    drawn_keys = {key for data in drawn for key in data.get("filesystem", ())}
    assert drawn_keys == _keys(FilesystemSettings) - {"inode_forget_ms"}
    assert {key for data in drawn for key in data.get("transcript", ())} == _keys(TranscriptSettings)


def test_every_fault_is_drawn_with_every_setting_it_has(drawn: list[dict[str, Any]]) -> None:
    faults = _draws(fault_of([{"role": "runner"}]), 3000)
    assert {fault["call"] for fault in faults if "call" in fault} == set(CALLS)
    drawn_errors = {fault["error"] for fault in faults if "error" in fault}
    # An error of a name may be believed.
    assert drawn_errors <= set(ERRORS) - OF_NAMES
    assert len(drawn_errors) > len(ERRORS) / 2
    assert all(fault["error"] in errors_of(fault["call"]) for fault in faults if "error" in fault)
    assert {key for fault in faults for key in fault} == _keys(fault_settings())
    assert any("faults" in data for data in drawn)


def test_lanes_share_processes_and_have_some_of_their_own(drawn: list[dict[str, Any]]) -> None:
    together, apart = 0, 0
    for data in drawn:
        processes = [lane.get("process") for lane in data["lanes"]]
        named = [process for process in processes if process]
        together += len(set(named)) < len(named)
        apart += len(processes) > 1 and None in processes
    assert together and apart


def test_the_simplest_draw_is_a_runner_alone() -> None:
    plain = settings(database=None, deadline=None)
    found = find(scenarios("same-process"), lambda _: True, settings=plain, random=random.Random(1))
    assert found == {"policy": "same-process", "lanes": [{"role": "runner"}]}
