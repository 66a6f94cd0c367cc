"""Roles by name: one file each, one line here.

A role from outside is an entry point of the group ``takeover_harness.roles``. A role that a scenario
composes of operations has no entry here; `role_of` knows it as well.
"""

from __future__ import annotations

from typing import Any, Final

from fence.registry import Registry, named
from harness.model.errors import UsageError
from harness.scenario.roles import compactor, composed, cron, editor, heartbeat, ingress, program, runner
from harness.scenario.roles.role import Ids, LaneSettings, Range, Role

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

#: Every role by name.
ROLES: Final[Registry[Role[Any]]] = Registry(
    "role", "takeover_harness.roles", {role.name: role for role in _MEMBERS}, named(Role), error=UsageError
)


def role_of(settings: LaneSettings) -> Role[Any]:
    """Return the role of a lane."""
    return ROLES[settings.role] if isinstance(settings.role, str) else composed.ROLE
