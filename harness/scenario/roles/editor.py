"""Define a rogue: a person's editor, a script, or a second gateway; it takes no lock."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

from annotated_types import MaxLen, MinLen, doc

from harness.model.program import Op
from harness.scenario.actions import ACTIONS
from harness.scenario.roles.role import (
    Ids,
    LaneSettings,
    MsRange,
    Role,
    Size,
    StepRange,
    TimesRange,
    choose,
    highest,
    pick,
    waits,
)

__all__ = ["ROLE", "Drawable", "EditorSettings", "draw_actions"]


class Drawable(Protocol):
    """The part of an action that this role needs."""

    def draw(self, rng: random.Random) -> dict[str, int | str | bool]:
        """Draw every argument."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class EditorSettings(LaneSettings):
    """The keys of a lane of the role editor."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[Literal["editor"], doc("Activity of the lane.")]
    delay_steps: Annotated[StepRange, doc("Scheduling points before each action.")] = (0, 12)
    actions: Annotated[
        Annotated[tuple[str, ...], MinLen(1), MaxLen(100)] | Literal["all"],
        doc("Actions on the file, one drawn each time: names of `list actions`, or all."),
    ]
    times: Annotated[TimesRange, doc("Number of actions; [0, N]: in some schedules it stays away.")] = 1
    pause_ms: Annotated[MsRange, doc("Virtual milliseconds for which the lane waits before each action.")] = 0


def draw_actions(
    settings: EditorSettings,
    rng: random.Random,
    ids: Ids,
    actions: Mapping[str, Drawable],
    every: Sequence[str] | None = None,
) -> tuple[Op, ...]:
    """Return the operations of a rogue that knows the given actions.

    Args:
        settings, rng, ids: as of any role.
        actions: by name.
        every: what ``all`` stands for, where that is not all of them.
    """
    names = settings.actions
    if names == "all":
        names = tuple(actions if every is None else every)
    ops: list[Op] = []
    for group in range(1, pick(rng, settings.times) + 1):
        ops += waits(settings, rng, group, settings.pause_ms)
        name = choose(rng, names)
        # The id is for the line that an action writes, if it writes one.
        args = actions[name].draw(rng) | {"id": ids.next()}
        ops.append(Op("action", group=group, how=name, args=args))
    return tuple(ops)


def _draw(settings: EditorSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    # Installed packages must not change what a scenario does that names none of their actions.
    return draw_actions(settings, rng, ids, ACTIONS, tuple(ACTIONS.built_in))


def _size(settings: EditorSettings) -> Size:
    return Size(highest(settings.times) * 3, 0)


ROLE = Role(
    "editor",
    "A rogue: an editor, a script or a second gateway that writes to the file without the lock.",
    False,
    EditorSettings,
    _draw,
    _size,
)
