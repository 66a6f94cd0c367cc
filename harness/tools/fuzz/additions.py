"""Add the members of the user's files to the draws: roles, actions and faults; and name their invariants.

Only a file that the user gives with ``--extension`` counts, and no installed package: the same seed and
files draw the same everywhere.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from fence.registry import Registry
from harness.oracle.invariants import INVARIANTS
from harness.scenario.actions import ACTIONS
from harness.scenario.faults import PROCESS_FAULTS
from harness.scenario.roles import ROLES

__all__ = ["Additions", "additions_of"]


@dataclasses.dataclass(frozen=True)
class Additions:
    """Members of the user's files, for the draws.

    Args:
        files: as a scenario names them.
        roles: a lane of each is drawn with the keys that all lanes have.
        actions: of rogues.
        faults: in place of a step.
        invariants: every drawn scenario has them.
        left_out: roles that cannot be drawn, because a lane needs further keys.
    """

    files: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    invariants: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def additions_of(files: Sequence[str]) -> Additions:
    """Return the members of files that this process has loaded.

    Args:
        files: as the user names them.
    """
    if not files:
        return Additions()
    paths = {os.path.realpath(file) for file in files}

    def added(registry: Registry[Any]) -> tuple[str, ...]:
        origins = ((name, registry.origin(name)) for name in registry.outside)
        return tuple(name for name, origin in origins if origin is not None and origin.file in paths)

    roles = added(ROLES)
    bare = tuple(name for name in roles if _needs_nothing(ROLES[name].settings))
    return Additions(
        tuple(files),
        bare,
        added(ACTIONS),
        added(PROCESS_FAULTS),
        added(INVARIANTS),
        tuple(name for name in roles if name not in bare),
    )


def _needs_nothing(settings: type) -> bool:
    """Return whether a lane of a role can do without any key of its own."""
    return all(
        field.name == "role"
        or field.default is not dataclasses.MISSING
        or field.default_factory is not dataclasses.MISSING
        for field in dataclasses.fields(settings)
    )
