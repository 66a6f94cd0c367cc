"""Random walk: every candidate is equally likely at every step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.strategy import Strategy

__all__ = ["RandomWalk"]


class RandomWalk(Strategy):
    """Draw uniformly among candidates. Schedules are not equally likely: long lanes delay short ones."""

    name: ClassVar[str] = "random"
    about: ClassVar[str] = "random walk: each lane that can go is equally likely"

    def __init__(self) -> None:
        self._random = random.Random(0).random

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Use the schedule's generator."""
        self._random = rng.random

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return a random candidate."""
        return int(self._random() * len(candidates))

    def end(self, steps: int) -> None:
        """Do nothing: this strategy learns nothing from a schedule."""
