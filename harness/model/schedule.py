"""Define schedules: the choices of a strategy, as data that a replay follows.

A choice is stored as (lane, operation, ordinal of the step in it), not as an index into the
candidates, so that a replay can detect where it diverges from the record.
"""

from __future__ import annotations

import msgspec

__all__ = ["Choice", "Schedule"]


class Choice(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One choice of a strategy.

    Args:
        lane: index of the lane that stepped.
        op: index of its operation.
        ordinal: number of steps of that operation before this one.
    """

    lane: int
    op: int
    ordinal: int


class Schedule(msgspec.Struct, frozen=True):
    """All choices of one schedule, in order."""

    choices: tuple[Choice, ...]
