"""Check roles that a scenario composes of operations: names, orders, and keys that say nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.model.op_order import OpOrder
from harness.scenario.reader import Document, Path
from harness.scenario.roles import ROLES
from harness.scenario.roles.composed import OPERATIONS, meaningless_keys

__all__ = ["check_composed", "check_composed_keys", "decides", "role_name"]


def role_name(lane: Mapping[str, Any]) -> str | None:
    """Return the name of a lane's role, from data that may have faults; None for none."""
    role = lane.get("role")
    name = role.get("name") if isinstance(role, dict) else role
    return name if isinstance(name, str) else None


def decides(lane: Mapping[str, Any]) -> bool:
    """Return whether a lane takes turns in which a fence decides."""
    return lane.get("role") == "runner" or "guarded_write" in _operations(lane)


def _operations(lane: Mapping[str, Any]) -> list[Any]:
    role = lane.get("role")
    found = role.get("operations") if isinstance(role, dict) else None
    return found if isinstance(found, list) else []


def check_composed(document: Document, lanes: Sequence[tuple[Path, dict[str, Any]]]) -> None:
    """Add a fault for a composed role whose name means another one, or whose operations no fence serves."""
    first: dict[str, tuple[Path, list[Any]]] = {}
    for path, lane in lanes:
        if not isinstance(lane.get("role"), dict):
            continue
        name, operations = role_name(lane), _operations(lane)
        if name is not None:
            place, message = (*path, "role", "name"), ""
            before, known = first.setdefault(name, (path, operations))
            if name in ROLES:
                message = f"{name!r} is a role of `python -m harness list roles`; choose another name"
            elif operations != known:
                line = document.values[before][0]
                message = f"the role {name!r} has other operations in line {line}; rename one of them"
            if message:
                document.fault(document.values[place], place, message)
        _check_order(document, (*path, "role", "operations"), operations)


def _check_order(document: Document, path: Path, operations: Sequence[Any]) -> None:
    """Add a fault for the first operation that cannot stand where it does."""
    if document.is_unread(path) or not operations or not all(one in OPERATIONS for one in operations):
        return
    order = OpOrder()
    for index, kind in enumerate(operations):
        wrong = order.follow(kind)
        if index == len(operations) - 1:
            wrong = wrong or order.unfinished()
        if wrong:
            place = (*path, index)
            document.fault(document.values[place], place, f"{kind}: {wrong}")
            return


def check_composed_keys(document: Document) -> None:
    """Add a fault for each key of a composed role that says nothing; a stored scenario has every key."""
    lanes = document.data.get("lanes") if isinstance(document.data, dict) else None
    for index, lane in enumerate(lanes if isinstance(lanes, list) else ()):
        if isinstance(lane, dict) and isinstance(lane.get("role"), dict):
            for key, message in meaningless_keys(tuple(lane), _operations(lane)):
                place = ("lanes", index, key)
                document.fault(document.keys[place], place, message)
