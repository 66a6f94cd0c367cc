"""Propose smaller scenarios: without a lane, key, operation or fault, with one action, a number for a range.

Hypothesis shrinks a draw without knowing its meaning, which takes many runs. This module cuts
what Hypothesis leaves at the end of its time; each cut is a valid scenario.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from harness.scenario.faults import kinds
from harness.tools.fuzz.composed_lanes import shorter_roles
from harness.tools.fuzz.draws import Data, lane_name

__all__ = ["cuts"]

_PARTS: Final = ("faults", "fence_options", "filesystem", "transcript")
_LANE_NEEDS: Final = ("role", "actions")
_FAULT_NEEDS: Final = ("lane", "call")


def cuts(data: Data) -> Iterator[Data]:
    """Yield every scenario that is one cut smaller, the largest cuts first.

    Args:
        data: as drawn; it is not changed.
    """
    for part in _PARTS:
        if part in data:
            yield _without(data, part)
    lanes = data["lanes"]
    for number, lane in enumerate(lanes):
        rest = lanes[:number] + lanes[number + 1 :]
        if any(other["role"] == "runner" for other in rest):
            gone = lane_name(lane)
            yield _with_faults(
                {**data, "lanes": rest}, [f for f in data.get("faults", ()) if f["lane"] != gone]
            )
    for number, lane in enumerate(lanes):
        for smaller in _lane_cuts(lane, data):
            yield {**data, "lanes": [*lanes[:number], smaller, *lanes[number + 1 :]]}
    for part in _PARTS[1:]:
        for smaller in _key_cuts(data.get(part, {}), ()):
            yield {**data, part: smaller} if smaller else _without(data, part)
    faults = data.get("faults", [])
    for number, fault in enumerate(faults):
        before, after = faults[:number], faults[number + 1 :]
        yield _with_faults(data, before + after)
        for smaller in _key_cuts(fault, _FAULT_NEEDS):
            if any(kind in smaller for kind in kinds()):
                yield {**data, "faults": [*before, smaller, *after]}


def _without(mapping: Data, key: str) -> Data:
    return {name: value for name, value in mapping.items() if name != key}


def _with_faults(data: Data, faults: list[Data]) -> Data:
    return {**data, "faults": faults} if faults else _without(data, "faults")


def _lane_cuts(lane: Data, data: Data) -> Iterator[Data]:
    needs = _LANE_NEEDS if _can_lose_its_name(lane, data) else (*_LANE_NEEDS, "name")
    yield from shorter_roles(lane)
    yield from _key_cuts(lane, needs)


def _can_lose_its_name(lane: Data, data: Data) -> bool:
    others = [other for other in data["lanes"] if other is not lane]
    taken = any(other["role"] == lane["role"] and "name" not in other for other in others)
    return not taken and all(fault["lane"] != lane.get("name") for fault in data.get("faults", ()))


def _key_cuts(mapping: Data, needs: tuple[str, ...]) -> Iterator[Data]:
    """Yield the mapping without all unneeded keys, then without each, then with shorter values."""
    bare = {key: value for key, value in mapping.items() if key in needs}
    if len(bare) < len(mapping) - 1:
        yield bare
    for key in mapping:
        if key not in needs:
            yield _without(mapping, key)
    for key, value in mapping.items():
        if not isinstance(value, list):
            continue
        if len(value) > 1:
            # One name for several, one number for a range; a list of names stays one.
            for item in dict.fromkeys(value):
                yield {**mapping, key: item if isinstance(item, int) else [item]}
