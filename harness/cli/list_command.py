"""``list``: print scenarios, fences, strategies and the like by name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import msgspec

from harness.cli.output import emit
from harness.cli.status import OK

__all__ = ["main"]


def main(arguments: argparse.Namespace) -> int:
    """Print one line for each item, or one JSON array."""
    items = _LISTS[arguments.what]() if arguments.what else _lists()
    if arguments.json:
        emit(msgspec.json.encode(items).decode())
        return OK
    width = max((len(str(item["name"])) for item in items), default=0)
    for item in items:
        emit(f"{item['name']:<{width}}  {item['about']}")
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

    return [{"name": name, "about": strategy.about} for name, strategy in STRATEGIES.items()]


def _roles() -> list[dict[str, object]]:
    from harness.scenario.roles import ROLES

    return [{"name": name, "about": role.about} for name, role in ROLES.items()]


def _actions() -> list[dict[str, object]]:
    from harness.scenario.actions import ACTIONS

    return [
        {"name": name, "about": action.about, "effect": action.effect} for name, action in ACTIONS.items()
    ]


def _policies() -> list[dict[str, object]]:
    from harness.model.policy import POLICIES

    return [
        {"name": name, "about": policy.about, "rules": dict(policy.rules)}
        for name, policy in POLICIES.items()
    ]


def _gates() -> list[dict[str, object]]:
    from harness.gates import GATES

    return [{"name": name, "about": about} for name, about in GATES.items()]


def _faults() -> list[dict[str, object]]:
    from harness.scenario.faults import kinds

    return [{"name": name, "about": about} for name, about in kinds().items()]


def _locks() -> list[dict[str, object]]:
    from fence.locks import KINDS
    from harness.model.errors import UsageError

    try:
        return [{"name": name, "about": kind.about} for name, kind in KINDS.items()]
    except ValueError as error:
        raise UsageError(str(error)) from error


def _invariants() -> list[dict[str, object]]:
    from harness.oracle.invariants import SHIPPED

    return [{"name": name, "about": _first_line(check)} for name, check in SHIPPED.items()]


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
