"""Define rogue actions: changes to a transcript by writers that take no lock.

`ACTIONS` holds every action by name. A new one is a body and an `Action` in one of
the modules here; `action` says what a body may do. Roles and schedules decide which lane
performs an action, and when. An action from outside is an entry point of the group
``takeover_harness.actions``; a scenario has to name it, ``all`` stands for those of this folder.
"""

from __future__ import annotations

from typing import Final

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

#: Every action by name, in the order of the modules.
ACTIONS: Final[Registry[Action]] = Registry(
    "action", "takeover_harness.actions", _BUILT_IN, named(Action), error=UsageError
)
