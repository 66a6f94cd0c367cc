"""Round robin: the lanes take turns, each for the same number of steps."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.strategy import Strategy

__all__ = ["RoundRobin"]

_QUANTUM_MAX = 8


class RoundRobin(Strategy):
    """Switch fairly, with a quantum that is drawn for each schedule."""

    name: ClassVar[str] = "round-robin"
    about: ClassVar[str] = "round robin: lanes take turns, the quantum (1 to 8 steps) is drawn per schedule"

    def __init__(self) -> None:
        self._quantum = 1
        self._spent = 0
        self._lane = 0
        self._lanes = 1

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw the quantum and the lane that starts."""
        self._quantum = 1 + int(rng.random() * _QUANTUM_MAX)
        self._lane = int(rng.random() * lanes)
        self._lanes = lanes
        self._spent = 0

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the current lane while its quantum lasts, then the next one in the circle."""
        if self._spent >= self._quantum:
            self._lane = (self._lane + 1) % self._lanes
            self._spent = 0
        distance = [(candidate.lane - self._lane) % self._lanes for candidate in candidates]
        best = min(range(len(candidates)), key=distance.__getitem__)
        if distance[best]:
            self._lane = candidates[best].lane
            self._spent = 0
        self._spent += 1
        return best

    def end(self, steps: int) -> None:
        """Do nothing: this strategy learns nothing from a schedule."""
