"""Define rogue actions: changes to a transcript by writers that take no lock.

`ACTIONS` holds every action by name. A new one is a body and an `Action` in one of
the modules here; `action` says what a body may do. Roles and schedules decide which lane
performs an action, and when. An action from outside is an entry point of the group
``takeover_harness.actions``; a scenario has to name it, ``all`` stands for those of this folder.
"""

from __future__ import annotations

import re
from typing import Final, get_args

from fence.registry import Registry, named
from harness.model.errors import UsageError
from harness.scenario.actions import (
    appends,
    line_changes,
    links,
    mappings,
    metadata,
    recreations,
    renames,
    replacements,
    rewrites,
    truncations,
)
from harness.scenario.actions.action import Action, Args, Effect, MakeLine, Scene
from harness.scenario.actions.rogue_lines import make_line

__all__ = ["ACTIONS", "Action", "Args", "Effect", "MakeLine", "Scene", "make_line"]

_MODULES = (
    *(appends, rewrites, truncations, recreations, replacements, renames, links, metadata, mappings),
    line_changes,
)

_BUILT_IN: Final = {action.name: action for module in _MODULES for action in module.MEMBERS}
assert len(_BUILT_IN) == sum(len(module.MEMBERS) for module in _MODULES), "two actions share a name"

_is_action = named(Action)


def _fault(name: str, found: object) -> str:
    fault = _is_action(name, found)
    if fault:
        return fault
    assert isinstance(found, Action)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        return "its name is not in kebab-case, as in append-user"
    if not isinstance(found.about, str) or not found.about:
        return "it says nothing about itself; give one line as its second argument"
    if found.effect not in get_args(Effect):
        return f"its effect is {found.effect!r}, expected one of {', '.join(get_args(Effect))}"
    if not callable(found.body) or not all(map(callable, dict(found.draws).values())):
        return "its body and its draws have to be functions"
    return ""


#: Every action by name, in the order of the modules.
ACTIONS: Final[Registry[Action]] = Registry(
    "action", "takeover_harness.actions", _BUILT_IN, _fault, error=UsageError
)
