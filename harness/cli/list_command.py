"""``list``: print scenarios, fences, strategies and the like by name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TypeVar

import msgspec

from fence.registry import Registry
from harness.cli.output import emit
from harness.cli.status import OK

__all__ = ["main"]

_Record = TypeVar("_Record")


def main(arguments: argparse.Namespace) -> int:
    """Print one line for each item, or one JSON array."""
    if arguments.extension:
        from harness.cli.extension_permission import load_named

        load_named(arguments.extension)
    items = _LISTS[arguments.what]() if arguments.what else _lists()
    if arguments.json:
        emit(msgspec.json.encode(items).decode())
        return OK
    width = max((len(str(item["name"])) for item in items), default=0)
    for item in items:
        whence = f" ({item['from']})" if item.get("from") else ""
        emit(f"{item['name']:<{width}}  {item['about']}{whence}")
    return OK


def _lists() -> list[dict[str, object]]:
    """Return what there is a list of."""
    return [{"name": name, "about": about} for name, about in _ABOUT.items()]


def _scenarios() -> list[dict[str, object]]:
    """Return the scenarios in the folder `scenarios` here, then those of the harness by their names."""
    from harness.cli.scenario_files import own_folder, scenario_files, shipped_names
    from harness.scenario import load_all

    here = scenario_files(["scenarios"]) if os.path.isdir("scenarios") else []
    own = {} if own_folder() == "scenarios" else shipped_names()
    files = {**{path: path for path in here}, **own}
    return [
        {
            "name": name,
            "about": scenario.about.strip(),
            "source": scenario.source,
            "policy": scenario.resolved_policy().name,
        }
        for name, scenario in zip(files, load_all(files.values()), strict=True)
    ]


def _fences() -> list[dict[str, object]]:
    import fence

    result: list[dict[str, object]] = []
    for name in fence.FENCES:
        found = fence.load(name)
        result.append({"name": name, "about": found.about, "sound_under": list(found.sound_under)})
    return result


def _strategies() -> list[dict[str, object]]:
    from harness.strategies import STRATEGIES

    return _members(STRATEGIES, lambda strategy: {"about": strategy.about})


def _roles() -> list[dict[str, object]]:
    from harness.scenario.roles import ROLES

    return _members(ROLES, lambda role: {"about": role.about})


def _actions() -> list[dict[str, object]]:
    from harness.scenario.actions import ACTIONS

    return _members(ACTIONS, lambda action: {"about": action.about, "effect": action.effect})


def _policies() -> list[dict[str, object]]:
    from harness.model.policy import POLICIES

    return _members(POLICIES, lambda policy: {"about": policy.about, "rules": dict(policy.rules)})


def _gates() -> list[dict[str, object]]:
    from harness.gates import GATES

    return [{"name": name, "about": about} for name, about in GATES.items()]


def _faults() -> list[dict[str, object]]:
    from harness.scenario.faults import CALL_FAULTS, PROCESS_FAULTS

    of_calls: list[dict[str, object]] = [
        {"name": name, "about": about} for name, about in CALL_FAULTS.items()
    ]
    return of_calls + _members(PROCESS_FAULTS, lambda fault: {"about": fault.about})


def _locks() -> list[dict[str, object]]:
    from fence.locks import KINDS
    from harness.model.errors import UsageError

    try:
        return _members(KINDS, lambda kind: {"about": kind.about})
    except ValueError as error:
        raise UsageError(str(error)) from error


def _invariants() -> list[dict[str, object]]:
    from harness.oracle.invariants import INVARIANTS

    return _members(INVARIANTS, lambda check: {"about": _first_line(check)})


def _members(
    registry: Registry[_Record], told: Callable[[_Record], dict[str, object]]
) -> list[dict[str, object]]:
    """Return the members of a registry, and where those come from that are no part of the harness."""
    found = []
    for name, record in registry.items():
        origin = registry.origin(name)
        found.append({"name": name, **told(record), **({"from": origin.text} if origin is not None else {})})
    return found


def _first_line(check: Callable[..., object]) -> str:
    """Return what a function says of itself, as a clause: ``say which ...``."""
    line = (check.__doc__ or "").partition("\n")[0].strip().removesuffix(".")
    return line[:1].lower() + line[1:]


_ABOUT = {
    "scenarios": "files in the folder `scenarios`, and those that come with the harness",
    "fences": "fences that come with the harness, to be named by --fence",
    "strategies": "ways to choose the next step, for --strategy",
    "roles": "activities of a lane, for `role` in a scenario",
    "actions": "changes that an editor makes, for `actions` in a scenario",
    "policies": "tables of lawful changes, for `policy` in a scenario",
    "gates": "ways to stop a lane, for --gate",
    "faults": "faults of calls and processes, for `faults` in a scenario",
    "locks": "kinds of locks, for `lock_kind` of a fence",
    "invariants": "rules for the transcript's lines, for --invariant and `invariant` in a scenario",
}
_LISTS: dict[str, Callable[[], list[dict[str, object]]]] = {
    "scenarios": _scenarios,
    "fences": _fences,
    "strategies": _strategies,
    "roles": _roles,
    "actions": _actions,
    "policies": _policies,
    "gates": _gates,
    "faults": _faults,
    "locks": _locks,
    "invariants": _invariants,
}
