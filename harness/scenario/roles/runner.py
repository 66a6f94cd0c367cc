"""Define the lane that owns the turn: it prompts, waits for its model and writes the reply past the fence."""

from __future__ import annotations

import dataclasses
import random
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le, MaxLen, MinLen, Predicate, doc

from harness.model.program import Op
from harness.model.transcript_lines import CANONICAL, EntryType
from harness.scenario.roles.role import (
    CountRange,
    Ids,
    LaneSettings,
    Role,
    Size,
    StepRange,
    choose,
    highest,
    is_ordered,
    pick,
    waits,
)

__all__ = ["ROLE", "RunnerSettings"]

_Own = Annotated[int, Ge(0), Le(20)]
_Types = Annotated[tuple[EntryType, ...], MinLen(1)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunnerSettings(LaneSettings):
    """The keys of a lane of the role runner."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[Literal["runner"], doc("Activity of the lane.")]
    turns: Annotated[CountRange, doc("Number of turns, one after the other.")] = 1
    prompt: Annotated[
        tuple[EntryType, ...],
        MaxLen(20),
        doc("Types of the lines that are appended, in this order, before the lock is released."),
    ] = ("user",)
    rounds: Annotated[CountRange, doc("Guarded writes in a turn.")] = 1
    think_steps: Annotated[
        StepRange, doc("Scheduling points for which the model thinks before each guarded write.")
    ] = (1, 6)
    writes: Annotated[_Types, doc("Types of the lines of a guarded write, drawn one by one.")] = CANONICAL
    lines: Annotated[CountRange, doc("Lines of a guarded write.")] = 1
    own_writes: Annotated[
        _Own | Annotated[tuple[_Own, _Own], Predicate(is_ordered)],
        doc("Lines in a turn that the runner's own writer appends beside the fence, under the lock."),
    ] = 0
    own_entries: Annotated[_Types, doc("Types of those lines, drawn one by one.")] = CANONICAL
    recover: Annotated[
        bool, doc("true: after a refusal the turn calls the fence's recovery and writes once more.")
    ] = False


def _open(settings: RunnerSettings, rng: random.Random, ids: Ids, turn: int, group: int) -> list[Op]:
    """Return the operations from the start of a turn until the model has its prompt."""
    ops = waits(settings, rng, group)
    ops.append(Op("begin_turn", turn, group))
    ops.append(Op("load", turn, group))
    if settings.prompt:
        prompt = tuple([ids.entry(rng, kind) for kind in settings.prompt])
        ops.append(Op("append", turn, group, entries=prompt))
    ops.append(Op("release_for_prompt", turn, group))
    return ops


def _own_write(settings: RunnerSettings, rng: random.Random, ids: Ids, turn: int, group: int) -> list[Op]:
    entries = ids.entries(rng, settings.own_entries, 1)
    return [
        Op("acquire", turn, group, "writer"),
        Op("append", turn, group, "writer", entries),
        Op("release", turn, group, "writer"),
    ]


def _draw(settings: RunnerSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    ops: list[Op] = []
    group = 0
    for turn in range(pick(rng, settings.turns)):
        group += 1
        own_group = group
        ops += _open(settings, rng, ids, turn, own_group)
        rounds = range(pick(rng, settings.rounds))
        places = [choose(rng, rounds) for _ in range(pick(rng, settings.own_writes))]
        for number in rounds:
            steps = pick(rng, settings.think_steps)
            if steps:
                ops.append(Op("think", turn, own_group, steps=steps))
            for _ in range(places.count(number)):
                group += 1
                ops += _own_write(settings, rng, ids, turn, group)
            ops.append(_guarded_write(settings, rng, ids, turn, own_group))
        if settings.recover:
            ops.append(Op("recover", turn, own_group))
            ops.append(_guarded_write(settings, rng, ids, turn, own_group))
        ops.append(Op("end_turn", turn, own_group))
    return tuple(ops)


def _guarded_write(settings: RunnerSettings, rng: random.Random, ids: Ids, turn: int, group: int) -> Op:
    entries = ids.entries(rng, settings.writes, pick(rng, settings.lines))
    return Op("guarded_write", turn, group, entries=entries)


def _size(settings: RunnerSettings) -> Size:
    turns, rounds, lines = highest(settings.turns), highest(settings.rounds), highest(settings.lines)
    own_writes = highest(settings.own_writes)
    # Each turn has one delay, begin_turn, load, append, release_for_prompt and end_turn.
    ops = 6 + 2 * rounds + 3 * own_writes + 2 * settings.recover
    entries = len(settings.prompt) + (rounds + settings.recover) * lines + own_writes
    return Size(turns * ops, turns * entries)


ROLE = Role(
    "runner",
    "Takes turns: prompts, releases the lock while its model thinks, writes the reply past the fence.",
    True,
    RunnerSettings,
    _draw,
    _size,
)
