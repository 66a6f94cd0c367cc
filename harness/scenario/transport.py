"""A scenario as plain data for another process of the harness, and back.

`harness.scenario.loader` makes a scenario from plain data, too, and checks it; an explorer need not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from harness.model.policy import CustomPolicy
from harness.scenario.definition import (
    Expectation,
    FaultSettings,
    FilesystemSettings,
    InvariantSettings,
    LeftLockSettings,
    Scenario,
    TranscriptSettings,
    fault_settings,
)
from harness.scenario.roles import ROLES, LaneSettings
from harness.scenario.roles.composed import ComposedRole, ComposedSettings
from harness.scenario.roles.program import MarkerSettings
from harness.scenario.roles.role import ClockSettings, RestartSettings

__all__ = ["pack", "unpack"]


def pack(scenario: Scenario) -> dict[str, Any]:
    """Return a checked scenario as dicts, lists, numbers, strings, and nothing else."""
    packed: dict[str, Any] = _plain(scenario)
    packed["faults"] = [
        {"keys": [kind.key for kind in fault.kinds], "values": _plain(fault)} for fault in scenario.faults
    ]
    return packed


def unpack(packed: Mapping[str, Any]) -> Scenario:
    """Return the scenario of the result of `pack`."""
    fields = {name: _frozen(value) for name, value in packed.items()}
    fields["lanes"] = tuple(_lane(lane) for lane in packed["lanes"])
    fields["faults"] = tuple(_fault(fault) for fault in packed["faults"])
    fields["transcript"] = TranscriptSettings(**fields["transcript"])
    fields["filesystem"] = FilesystemSettings(**_with_clock(fields["filesystem"]))
    if fields["left_lock"] is not None:
        fields["left_lock"] = LeftLockSettings(**fields["left_lock"])
    if not isinstance(fields["policy"], str):
        fields["policy"] = CustomPolicy(**fields["policy"])
    if not isinstance(fields["invariant"], str):
        fields["invariant"] = tuple(
            one if isinstance(one, str) else InvariantSettings(**one) for one in fields["invariant"]
        )
    fields["expect"] = {
        fence: Expectation(**one) if isinstance(one, dict) else one for fence, one in fields["expect"].items()
    }
    return Scenario(**fields)


def _lane(lane: Mapping[str, Any]) -> LaneSettings:
    keys = _with_clock({name: _frozen(item) for name, item in lane.items()})
    if keys["restart"] is not None:
        keys["restart"] = RestartSettings(**keys["restart"])
    if isinstance(keys["role"], dict):
        return ComposedSettings(**{**keys, "role": ComposedRole(**keys["role"])})
    if keys.get("operations") is not None:
        keys["operations"] = MarkerSettings(**keys["operations"])
    made: LaneSettings = ROLES[lane["role"]].settings(**keys)
    return made


def _with_clock(keys: dict[str, Any]) -> dict[str, Any]:
    clock = keys["clock"]
    return keys if clock is None else {**keys, "clock": ClockSettings(**clock)}


def _fault(fault: Mapping[str, Any]) -> FaultSettings:
    values = {name: _frozen(item) for name, item in fault["values"].items()}
    return fault_settings(tuple(fault["keys"]))(**values)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
