"""PCT: random priorities with a few priority changes.

Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with
Probabilistic Guarantees of Finding Bugs, ASPLOS 2010. A bug of depth d among n
lanes and k steps is found with probability at least 1 / (n * k^(d-1)).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.gates.protocol import Candidate

__all__ = ["Pct"]

_FIRST_LENGTH = 32


class Pct:
    """The lane of highest priority runs until a change point drops it below all others.

    Args:
        depth: d; change points are d - 1.
    """

    name: ClassVar[str] = "pct"
    about: ClassVar[str] = "PCT (Burckhardt et al., ASPLOS 2010): random priorities, depth 2 and 3 in turn"

    def __init__(self, depth: int = 0) -> None:
        self._fixed_depth = depth
        self._priority: list[float] = []
        self._changes: list[int] = []
        self._step = 0

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw length estimate, priorities and change points.

        The length k is not known beforehand. It is drawn from powers of two, so that
        a schedule is a function of its seed alone and not of the schedules before it;
        that costs a factor of at most the number of powers in the bound.
        """
        order = list(range(lanes))
        for i in range(lanes - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            order[i], order[j] = order[j], order[i]
        depth = self._fixed_depth or 2 + int(rng.random() * 2)
        self._priority = [0.0] * lanes
        for rank, lane in enumerate(order):
            self._priority[lane] = depth + rank
        length = _FIRST_LENGTH << int(rng.random() * 3)
        # The i-th change point gives its lane priority d - i, below all the initial ones.
        self._changes = [int(rng.random() * length) for _ in range(depth - 1)]
        self._depth = depth
        self._step = 0

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The candidate of highest priority, after the change points of this step."""
        priority = self._priority
        best = max(range(len(candidates)), key=lambda i: priority[candidates[i].lane])
        for number, change in enumerate(self._changes, 1):
            if change == self._step:
                priority[candidates[best].lane] = self._depth - 1 - number + 0.5
                best = max(range(len(candidates)), key=lambda i: priority[candidates[i].lane])
        self._step += 1
        return best

    def end(self, steps: int) -> None:
        """Nothing to learn: see `begin`."""
