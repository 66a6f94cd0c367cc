"""POS: random priorities for steps, drawn again for steps that race.

Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018. Each pending step has a random
priority, and the highest goes first. Then each step that races with it (see
`harness.strategies.racing_pairs`) gets a new priority. So the order of two racing steps is a fair coin,
and a step without a race costs no draw: a lane of many such steps is passed as easily as one of few.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.racing_pairs import races
from harness.strategies.strategy import Strategy

__all__ = ["Pos"]

_Step = tuple[int, int]


class Pos(Strategy):
    """Take the step of highest priority; steps that race with it get new priorities."""

    name: ClassVar[str] = "pos"
    about: ClassVar[str] = (
        "POS (Yuan et al., CAV 2018): random priorities by step, drawn again for steps that race"
    )

    def __init__(self) -> None:
        self._random = random.Random(0).random
        self._priority: dict[int, tuple[_Step, float]] = {}

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Use the schedule's generator, and forget all priorities."""
        self._random = rng.random
        self._priority = {}

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the candidate whose step has the highest priority."""
        priorities = [self._priority_of(candidate) for candidate in candidates]
        place = max(range(len(candidates)), key=priorities.__getitem__)
        picked = candidates[place]
        del self._priority[picked.lane]
        for candidate in candidates:
            if candidate.lane != picked.lane and races(picked, candidate):
                del self._priority[candidate.lane]
        return place

    def _priority_of(self, candidate: Candidate) -> float:
        step = (candidate.op, candidate.ordinal)
        known = self._priority.get(candidate.lane)
        if known is None or known[0] != step:
            known = self._priority[candidate.lane] = (step, self._random())
        return known[1]

    def end(self, steps: int) -> None:
        """Do nothing: this strategy learns nothing from a schedule."""
