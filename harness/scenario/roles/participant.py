"""Define what participants other than the runner share: work under the write lock from time to time."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from annotated_types import MinLen, doc

from harness.model.program import Op
from harness.model.transcript_lines import EntryType
from harness.scenario.roles.role import (
    Ids,
    LaneSettings,
    LineRange,
    MsRange,
    Size,
    StepRange,
    TimesRange,
    highest,
    pick,
    waits,
)

__all__ = ["OPS_PER_TIME", "LockedSettings", "WriterSettings", "draw_locked", "draw_writes", "size_of_writes"]

#: think, pause, acquire, pause, the work, release
OPS_PER_TIME = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class LockedSettings(LaneSettings):
    """The keys of a lane that works under the lock."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    delay_steps: Annotated[StepRange, doc("Scheduling points before each time.")] = (0, 12)
    times: Annotated[
        TimesRange,
        doc("Number of times that the lane takes the lock; [0, N]: in some schedules it stays away."),
    ] = 1
    pause_ms: Annotated[
        MsRange, doc("Virtual milliseconds for which the lane waits before it takes the lock.")
    ] = 0
    hold_ms: Annotated[
        MsRange, doc("Virtual milliseconds for which the lane holds the lock before it writes.")
    ] = 0
    release: Annotated[
        bool,
        doc(
            "true: the lane releases the lock each time; false: it keeps the lock the last time, and its "
            "process lives on, so lock_timeout_ms is required; kernel gate only."
        ),
    ] = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class WriterSettings(LockedSettings):
    """The keys of a lane that appends under the lock."""

    lines: Annotated[
        LineRange, doc("Lines that the lane appends each time; 0: it takes the lock and writes nothing.")
    ] = 1
    entries: Annotated[tuple[EntryType, ...], MinLen(1), doc("Types of the lines, drawn one by one.")] = (
        "user",
    )


def draw_locked(
    settings: LockedSettings, rng: random.Random, work: Callable[[int], Op | None]
) -> tuple[Op, ...]:
    """Return operations that take the lock, do some work and release it, as often as the settings say.

    A lane with ``release: false`` keeps the lock the last time.

    Args:
        settings: settings of the lane.
        rng: generator for every draw.
        work: returns the operation under the lock for a group number, or None for nothing.
    """
    ops: list[Op] = []
    times = pick(rng, settings.times)
    for group in range(1, times + 1):
        ops += waits(settings, rng, group, settings.pause_ms)
        ops.append(Op("acquire", group=group))
        hold_ms = pick(rng, settings.hold_ms)
        if hold_ms:
            ops.append(Op("pause", group=group, duration_ms=hold_ms))
        op = work(group)
        if op is not None:
            ops.append(op)
        if settings.release or group < times:
            ops.append(Op("release", group=group))
    return tuple(ops)


def draw_writes(settings: WriterSettings, rng: random.Random, ids: Ids) -> tuple[Op, ...]:
    """Return the operations of a lane that appends under the lock."""

    def append(group: int) -> Op | None:
        entries = ids.entries(rng, settings.entries, pick(rng, settings.lines))
        return Op("append", group=group, entries=entries) if entries else None

    return draw_locked(settings, rng, append)


def size_of_writes(settings: WriterSettings) -> Size:
    """Return the maximum size of the operations that `draw_writes` can return."""
    times = highest(settings.times)
    return Size(times * OPS_PER_TIME, times * highest(settings.lines))
