"""Roles by name: one file each, one line here.

A role from outside is an entry point of the group ``takeover_harness.roles``. A role that a scenario
composes of operations has no entry here; `role_of` knows it as well.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final, get_args, get_type_hints

from fence.registry import Registry, named
from harness.model.errors import UsageError
from harness.scenario.roles import compactor, composed, cron, editor, heartbeat, ingress, program, runner
from harness.scenario.roles.role import Ids, LaneSettings, Range, Role, is_name

__all__ = ["ROLES", "Ids", "LaneSettings", "Range", "Role", "role_of"]

_MEMBERS: Final[tuple[Role[Any], ...]] = (
    runner.ROLE,
    heartbeat.ROLE,
    cron.ROLE,
    ingress.ROLE,
    compactor.ROLE,
    editor.ROLE,
    program.ROLE,
)

_is_role = named(Role)


def _fault(name: str, found: object) -> str:
    fault = _is_role(name, found)
    if fault:
        return fault
    assert isinstance(found, Role)
    if not is_name(name):
        return "its name has to be at most 40 letters, digits, '_', '.' or '-', the first a letter or digit"
    if not isinstance(found.about, str) or not found.about:
        return "it says nothing about itself; give one line as its second argument"
    if not isinstance(found.participant, bool):
        return f"participant is {found.participant!r}, expected True or False"
    if not callable(found.draw) or not callable(found.size):
        return "draw and size have to be functions"
    return _fault_of_settings(name, found.settings)


def _fault_of_settings(name: str, settings: object) -> str:
    """Return what is wrong with the class of a role's settings: only one that says its role can be told."""
    if not isinstance(settings, type) or not issubclass(settings, LaneSettings):
        return "its settings are no class made from LaneSettings"
    if not dataclasses.is_dataclass(settings) or "role" not in vars(settings).get("__annotations__", {}):
        return f'its settings are no dataclass with `role: Literal["{name}"]`'
    try:
        hint = get_type_hints(settings)["role"]
    except Exception as error:  # an annotation may be any expression
        return f"the annotations of its settings mean nothing: {type(error).__name__}: {error}"
    return "" if get_args(hint) == (name,) else f'its settings have to say `role: Literal["{name}"]`'


#: Every role by name.
ROLES: Final[Registry[Role[Any]]] = Registry(
    "role", "takeover_harness.roles", {role.name: role for role in _MEMBERS}, _fault, error=UsageError
)


def role_of(settings: LaneSettings) -> Role[Any]:
    """Return the role of a lane."""
    return ROLES[settings.role] if isinstance(settings.role, str) else composed.ROLE
