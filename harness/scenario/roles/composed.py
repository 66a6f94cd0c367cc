"""Define roles that a scenario composes of operations: those of runtimes that the other roles do not fit.

``role: {name: indexer, operations: [acquire, load, append, release]}`` is a lane that goes through the
list so many times. `harness.model.op_order` says which orders there can be; `draw` relies on one of
them.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from annotated_types import MaxLen, MinLen, doc

from harness.model.op_order import OpOrder
from harness.model.program import Op
from harness.model.transcript_lines import CANONICAL, EntryType
from harness.scenario.roles.compactor import How, Kind, rewrite_args
from harness.scenario.roles.role import (
    CountRange,
    Ids,
    LaneSettings,
    LineRange,
    MsRange,
    Name,
    Role,
    Size,
    StepRange,
    TimesRange,
    choose,
    highest,
    pick,
    waits,
)

__all__ = ["OPERATIONS", "ROLE", "ComposedRole", "ComposedSettings", "OperationName", "meaningless_keys"]

#: The operations of a composed role: the calls of `fence.protocol`, and waits.
OperationName = Literal[
    "acquire",
    "load",
    "append",
    "rewrite",
    "release",
    "begin_turn",
    "release_for_prompt",
    "guarded_write",
    "recover",
    "end_turn",
    "think",
    "pause",
]
OPERATIONS: Final[tuple[OperationName, ...]] = get_args(OperationName)
_OPERATIONS_MAX: Final = 40
#: Keys that say something about some operations alone.
_ABOUT: Final[dict[str, tuple[OperationName, ...]]] = {
    "think_steps": ("think",),
    "pause_ms": ("pause",),
    "rounds": ("guarded_write",),
    "lines": ("append", "guarded_write"),
    "entries": ("append",),
    "writes": ("guarded_write",),
    "how": ("rewrite",),
    "kind": ("rewrite",),
    "keep": ("rewrite",),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComposedRole:
    """A role that the scenario composes."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    name: Annotated[Name, doc("Name of the role in reports and faults; none that `list roles` has.")]
    operations: Annotated[
        tuple[OperationName, ...],
        MinLen(1),
        MaxLen(_OPERATIONS_MAX),
        doc(
            "What the lane does, in this order. Under the lock: acquire, then load, append, rewrite, then "
            "release. Or turns: begin_turn, load, append, release_for_prompt, guarded_write, recover, "
            "end_turn; acquire, append, release in between are the lane's own writer. think and pause may "
            "stand anywhere."
        ),
    ]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComposedSettings(LaneSettings):
    """The keys of a lane whose role is a mapping; each is for the operations that its text names."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    role: Annotated[ComposedRole, doc("Activity of the lane, composed of operations.")]
    delay_steps: Annotated[StepRange, doc("Scheduling points before each time.")] = (0, 12)
    times: Annotated[
        TimesRange,
        doc("Number of times that it goes through its operations; [0, N]: in some schedules it stays away."),
    ] = 1
    rounds: Annotated[
        CountRange, doc("How often each guarded_write is made, each time after the think right before it.")
    ] = 1
    think_steps: Annotated[StepRange, doc("Scheduling points of each think.")] = (1, 6)
    pause_ms: Annotated[MsRange, doc("Virtual milliseconds of each pause.")] = 100
    lines: Annotated[CountRange, doc("Lines of each append and guarded_write.")] = 1
    entries: Annotated[
        tuple[EntryType, ...], MinLen(1), doc("Types of the lines of an append, drawn one by one.")
    ] = ("user",)
    writes: Annotated[
        tuple[EntryType, ...],
        MinLen(1),
        doc("Types of the lines of a guarded_write, and of what the lane's own writer appends in a turn."),
    ] = CANONICAL
    how: Annotated[
        tuple[How, ...], MinLen(1), doc("How a rewrite replaces the bytes, as of the role compactor.")
    ] = ("in_place", "rename")
    kind: Annotated[tuple[Kind, ...], MinLen(1), doc("Kind of a rewrite, as of the role compactor.")] = (
        "compaction",
    )
    keep: Annotated[LineRange, doc("Lines at the end that a compaction leaves as they are.")] = (0, 3)


def meaningless_keys(keys: Sequence[str], operations: Sequence[object]) -> Iterator[tuple[str, str]]:
    """Yield the keys of a lane that say nothing, for it has none of their operations, and what to do.

    Args:
        keys: that are given.
        operations: of its role.
    """
    for key in keys:
        about = _ABOUT.get(key, ())
        if about and not any(name in operations for name in about):
            yield key, f"the role has no {' and no '.join(about)}; add one, or remove the key"


class _Drawing:
    """The operations of one lane as they are drawn."""

    def __init__(self, settings: ComposedSettings, rng: random.Random, ids: Ids) -> None:
        self.ops: list[Op] = []
        self._settings = settings
        self._rng = rng
        self._ids = ids
        self._order = OpOrder()
        self._group = 0
        #: Group of the turn, to which the lane comes back after its own writer's.
        self._turn_group = 0
        self._turn = -1

    def once(self) -> None:
        """Draw one time through the list."""
        self.ops += waits(self._settings, self._rng, self._group + 1)
        for steps in _stretches(self._settings.role.operations):
            rounds = pick(self._rng, self._settings.rounds) if steps[-1] == "guarded_write" else 1
            for _ in range(rounds):
                for kind in steps:
                    self._add(kind)

    def _add(self, kind: OperationName) -> None:
        settings, rng = self._settings, self._rng
        writer = self._order.writer_holds or (kind == "acquire" and self._order.in_turn)
        fault = self._order.follow(kind)
        assert not fault, f"{kind}: {fault}"
        if kind in ("acquire", "begin_turn"):
            self._group += 1
        if kind == "begin_turn":
            self._turn += 1
            self._turn_group = self._group
        in_turn = self._order.in_turn or kind == "end_turn"
        turn = self._turn if in_turn else -1
        group = self._turn_group if in_turn and not writer else self._group
        route = "writer" if writer and kind not in ("think", "pause") else "fence"
        match kind:
            case "think":
                self._add_wait(Op(kind, turn, group, steps=pick(rng, settings.think_steps)))
            case "pause":
                self._add_wait(Op(kind, turn, group, duration_ms=pick(rng, settings.pause_ms)))
            case "append" | "guarded_write":
                kinds = settings.writes if writer or kind == "guarded_write" else settings.entries
                entries = self._ids.entries(rng, kinds, pick(rng, settings.lines))
                self.ops.append(Op(kind, turn, group, route, entries))
            case "rewrite":
                what, how = choose(rng, settings.kind), choose(rng, settings.how)
                args = rewrite_args(what, pick(rng, settings.keep), self._ids)
                self.ops.append(Op(kind, turn, group, how=how, args=args))
            case _:
                self.ops.append(Op(kind, turn, group, route))

    def _add_wait(self, op: Op) -> None:
        if op.steps or op.duration_ms:
            self.ops.append(op)


def _stretches(operations: Sequence[OperationName]) -> Iterator[Sequence[OperationName]]:
    """Yield the operations one by one, but a guarded write with the think right before it."""
    place = 0
    while place < len(operations):
        pair = operations[place : place + 2]
        length = 2 if pair == ("think", "guarded_write") else 1
        yield operations[place : place + length]
        place += length


def _draw(settings: ComposedSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    drawing = _Drawing(settings, rng, ids)
    for _ in range(pick(rng, settings.times)):
        drawing.once()
    return tuple(drawing.ops)


def _size(settings: ComposedSettings) -> Size:
    rounds, lines = highest(settings.rounds), highest(settings.lines)
    # The wait before each time.
    ops, entries = 1, 0
    for steps in _stretches(settings.role.operations):
        repeated = rounds if steps[-1] == "guarded_write" else 1
        ops += repeated * len(steps)
        entries += repeated * lines * (steps[-1] in ("append", "guarded_write"))
    times = highest(settings.times)
    return Size(times * ops, times * entries)


#: For every composed role; the name that it has in a scenario is in the settings.
ROLE = Role(
    "composed",
    "A role of a scenario's own: {name, operations}.",
    True,
    ComposedSettings,
    _draw,
    _size,
)
