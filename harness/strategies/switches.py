"""Describe a schedule by its switches: the current lane goes on unless a switch names another."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from harness.model.gate import Candidate
from harness.model.schedule import Choice
from harness.strategies.strategy import Strategy

__all__ = ["Switch", "Switches"]


class Switch(msgspec.Struct, frozen=True):
    """A point at which another lane goes on than the default.

    Args:
        after: the step before the switch; None at the start.
        to: index of the lane that goes on.
    """

    after: Choice | None
    to: int


class Switches(Strategy):
    """Follow a schedule that is given by its switches alone.

    Without a switch, the lane that stepped last goes on, or the first one that can. A switch has no
    effect if its step never comes or its lane cannot go there.

    Args:
        switches: if several name one step, the last one counts.
    """

    name: ClassVar[str] = "switches"
    about: ClassVar[str] = "switches lanes at the named steps only"
    sees_own_steps: ClassVar[bool] = True

    def __init__(self, switches: Sequence[Switch]) -> None:
        self._to = {switch.after: switch.to for switch in switches}
        self._last: Choice | None = None

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start the schedule again."""
        self._last = None

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the lane that a switch names here, otherwise 0."""
        wanted = self._to.get(self._last)
        index = 0
        if wanted is not None:
            index = next((at for at, one in enumerate(candidates) if one.lane == wanted), 0)
        picked = candidates[index]
        self._last = Choice(picked.lane, picked.op, picked.ordinal)
        return index

    def end(self, steps: int) -> None:
        """Do nothing: this strategy learns nothing from a schedule."""
