"""Define a rogue that is an unmodified program: sed, an editor, a script of the user's."""

from __future__ import annotations

import dataclasses
import os
import random
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import MaxLen, MinLen, Predicate, doc

from harness.model.program import Op
from harness.scenario.roles.role import (
    CountRange,
    Ids,
    LaneSettings,
    MsRange,
    Role,
    Size,
    StepRange,
    highest,
    is_argument,
    pick,
    waits,
)

__all__ = ["ROLE", "ProgramSettings"]

#: Limits for the arguments, which a stored program repeats in every operation.
_ARGUMENTS_MAX, _ARGUMENT_CHARACTERS_MAX = 32, 400


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProgramSettings(LaneSettings):
    """The keys of a lane of the role program."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[Literal["program"], doc("Activity of the lane.")]
    delay_steps: Annotated[StepRange, doc("Scheduling points before each start.")] = (0, 12)
    argv: Annotated[
        tuple[Annotated[str, MaxLen(_ARGUMENT_CHARACTERS_MAX), Predicate(is_argument)], ...],
        MinLen(1),
        MaxLen(_ARGUMENTS_MAX),
        doc(
            "The program, looked up on PATH, and its arguments; {transcript} stands for the path of the "
            "transcript, {directory} for the folder that contains it."
        ),
    ]
    times: Annotated[CountRange, doc("Number of starts, one after the other.")] = 1
    pause_ms: Annotated[MsRange, doc("Virtual milliseconds that the lane waits before each start.")] = 0


def _draw(settings: ProgramSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    ops: list[Op] = []
    for group in range(1, pick(rng, settings.times) + 1):
        ops += waits(settings, rng, group, settings.pause_ms)
        ops.append(Op("action", group=group, how=os.path.basename(settings.argv[0]), argv=settings.argv))
    return tuple(ops)


def _size(settings: ProgramSettings) -> Size:
    # The arguments are stored with each start.
    return Size(highest(settings.times) * 3, 0)


ROLE = Role(
    "program",
    "A rogue that is a program of the machine, unmodified; only with --allow-programs.",
    False,
    ProgramSettings,
    _draw,
    _size,
)
