"""Define rogue actions: changes to a transcript by writers that take no lock.

`ACTIONS` holds every action by name. A new action is a body and an `Action` in one of the modules here;
`action` lists the rules for a body. Roles and schedules decide which lane performs an action and when.
"""

from __future__ import annotations

from harness.scenario.actions import (
    appends,
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

_MODULES = (appends, rewrites, truncations, recreations, replacements, renames, links, metadata, mappings)

#: Every action by name, in the order of the modules.
ACTIONS: dict[str, Action] = {action.name: action for module in _MODULES for action in module.MEMBERS}

assert len(ACTIONS) == sum(len(module.MEMBERS) for module in _MODULES), "two actions share a name"
