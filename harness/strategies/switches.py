"""Switches: whoever goes goes on, except where another lane is named."""

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
    """Where another lane goes than the one that comes by itself.

    Args:
        after: the step that was taken last; None at the start.
        to: index of the lane.
    """

    after: Choice | None
    to: int


class Switches(Strategy):
    """A schedule by its exceptions, as few as there are.

    Without any, the lane that stepped last goes on; where it cannot, the first one
    that can. A switch whose place never comes, or whose lane cannot go there, is none.

    Args:
        switches: at most one a place counts.
    """

    name: ClassVar[str] = "switches"
    about: ClassVar[str] = "no switch but those that are named"

    def __init__(self, switches: Sequence[Switch]) -> None:
        self._to = {switch.after: switch.to for switch in switches}
        self._last: Choice | None = None

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start at the start."""
        self._last = None

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The named lane where one is named, else 0."""
        wanted = self._to.get(self._last)
        index = 0
        if wanted is not None:
            index = next((at for at, one in enumerate(candidates) if one.lane == wanted), 0)
        picked = candidates[index]
        self._last = Choice(picked.lane, picked.op, picked.ordinal)
        return index

    def end(self, steps: int) -> None:
        """Nothing is learnt."""
