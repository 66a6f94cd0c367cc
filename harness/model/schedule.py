"""What a strategy picked: the data that replays a schedule.

A choice is kept as (lane, operation, ordinal of the step in it), not as an index
into candidates, so that a replay can tell where it came apart from the record.
"""

from __future__ import annotations

import msgspec

__all__ = ["Choice", "Schedule"]


class Choice(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One pick.

    Args:
        lane: index of the lane that stepped.
        op: index of its operation.
        ordinal: how many steps of that operation came before.
    """

    lane: int
    op: int
    ordinal: int


class Schedule(msgspec.Struct, frozen=True):
    """All picks of one schedule, in order."""

    choices: tuple[Choice, ...]
