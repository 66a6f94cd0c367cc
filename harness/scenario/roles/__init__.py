"""List the roles by name: one file and one line each."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, Final

from harness.scenario.roles import compactor, cron, editor, heartbeat, ingress, program, runner
from harness.scenario.roles.role import Ids, LaneSettings, Range, Role

__all__ = ["ROLES", "Ids", "LaneSettings", "Range", "Role"]

_MEMBERS: Final[tuple[Role[Any], ...]] = (
    runner.ROLE,
    heartbeat.ROLE,
    cron.ROLE,
    ingress.ROLE,
    compactor.ROLE,
    editor.ROLE,
    program.ROLE,
)

ROLES: Final[Mapping[str, Role[Any]]] = types.MappingProxyType({role.name: role for role in _MEMBERS})
