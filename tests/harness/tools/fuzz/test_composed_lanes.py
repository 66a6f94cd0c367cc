"""Composed lanes are drawn with every operation and key, and cut as far as a fence serves them."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from harness.scenario import load_data
from harness.scenario.roles.composed import OPERATIONS, ComposedSettings
from harness.tools.fuzz.composed_lanes import COMPOSED_KEYS, composed_lane, shorter_roles
from harness.tools.fuzz.scenario_strategies import LEFT_OUT, named

HEAD = {"name": "drawn", "about": "drawn", "source": "drawn", "expect": {}, "policy": "coordinated"}
RUNNER = {"role": "runner"}


@pytest.fixture(scope="module")
def drawn() -> list[dict[str, Any]]:
    """Return many composed lanes, always the same."""
    found: list[dict[str, Any]] = []
    many = settings(database=None, deadline=None, max_examples=250, phases=[Phase.generate])
    with pytest.raises(NoSuchExample):
        find(composed_lane(), lambda lane: bool(found.append(lane)), settings=many, random=random.Random(1))
    return found


def test_every_operation_and_every_key_is_drawn(drawn: list[dict[str, Any]]) -> None:
    assert {kind for lane in drawn for kind in lane["role"]["operations"]} == set(OPERATIONS)
    keys = {field.name for field in dataclasses.fields(ComposedSettings)} - set(LEFT_OUT)
    assert {key for lane in drawn for key in lane} - {"role"} == set(COMPOSED_KEYS) == keys


def test_each_lane_and_each_cut_of_it_is_served(drawn: list[dict[str, Any]]) -> None:
    cut = 0
    for lane in drawn[::10]:
        for smaller in (lane, *shorter_roles(lane)):
            load_data({**HEAD, "lanes": [RUNNER, smaller]})
            assert len(smaller["role"]["operations"]) <= len(lane["role"]["operations"])
            cut += smaller is not lane
    assert cut > len(drawn[::10])


def _cut_as_long_as(lane: dict[str, Any], kind: str) -> dict[str, Any]:
    """Cut as long as an operation stays, and return the last cut."""
    while True:
        kept = [one for one in shorter_roles(lane) if kind in one["role"]["operations"]]
        if not kept:
            return lane
        lane = kept[0]


def test_operations_and_their_keys_are_cut_that_are_not_needed() -> None:
    turn = ["begin_turn", "load", "release_for_prompt", "think", "guarded_write", "recover", "end_turn"]
    lane = {"role": {"name": "agent", "operations": turn}, "think_steps": 3, "rounds": 2}
    needed = ["begin_turn", "load", "release_for_prompt", "guarded_write", "end_turn"]
    left = _cut_as_long_as(lane, "guarded_write")
    assert left == {"role": {"name": "agent", "operations": needed}, "rounds": 2}
    assert _cut_as_long_as(lane, "load")["role"]["operations"] == ["begin_turn", "load", "end_turn"]
    assert list(shorter_roles({"role": "cron"})) == []


def test_composed_lanes_of_one_scenario_have_roles_of_their_own() -> None:
    def worker(*inside: str) -> dict[str, Any]:
        return {"role": {"name": "worker", "operations": ["acquire", *inside, "release"]}}

    lanes = named([RUNNER, worker("load"), {"role": "cron"}, worker("append"), {"role": "cron"}])
    assert [lane["role"]["name"] for lane in lanes if isinstance(lane["role"], dict)] == ["worker", "worker2"]
    assert lanes[4] == {"role": "cron", "name": "cron2"}
    load_data({**HEAD, "lanes": lanes})
