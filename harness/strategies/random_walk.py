"""Random walk: every candidate is equally likely at every step."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.strategy import Strategy

__all__ = ["RandomWalk"]


class RandomWalk(Strategy):
    """Uniform over candidates, not over schedules: long lanes drown short ones."""

    name: ClassVar[str] = "random"
    about: ClassVar[str] = "random walk: each lane that can go is equally likely"

    def __init__(self) -> None:
        self._random = random.Random(0).random

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Take the schedule's generator."""
        self._random = rng.random

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Any of them."""
        return int(self._random() * len(candidates))

    def end(self, steps: int) -> None:
        """Nothing to learn."""
