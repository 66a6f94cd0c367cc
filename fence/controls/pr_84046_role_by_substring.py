"""Define a control: a new line is the runner's if the name of such a role is in it."""

from __future__ import annotations

from typing import ClassVar

from fence.controls.control import Control
from fence.pr84046 import RUNNER_ROLES, Pr84046Fence

__all__ = ["RoleBySubstring"]


class RoleBySubstring(Control, Pr84046Fence):
    """Looks for the name of a role anywhere in a line.

    That saves parsing; but a user may quote a reply.
    """

    about: ClassVar[str] = "control: a new line is the runner's if the name of such a role is in it"
    defect: ClassVar[str] = "a new line is the runner's if the name of such a role is in it"
    caught_by: ClassVar[str] = "missed_takeover"
    rogue_actions_min: ClassVar[int] = 1
    scenario: ClassVar[str] = "quoted-role"
    original: ClassVar[str] = "pr-84046"

    def _all_canonical(self, appended: bytes) -> bool:
        if appended and not appended.endswith(b"\n"):
            return False
        return all(any(role.encode() in line for role in RUNNER_ROLES) for line in appended.split(b"\n")[:-1])
