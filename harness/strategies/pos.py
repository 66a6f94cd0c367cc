"""POS: random priorities for steps, drawn anew where steps race.

Yuan, Yang, Gu: Partial Order Aware Concurrency Sampling, CAV 2018. Each step that
is about to happen has a random priority, and the highest goes first. Then whatever
races with it (see `harness.strategies.racing_pairs`) gets a new one. Steps that race are ordered
by fair coins, and a step that races with nothing does not cost a draw: a lane of
many quiet steps is passed as easily as one of few.
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
    """The step of highest priority goes; those that race with it draw again."""

    name: ClassVar[str] = "pos"
    about: ClassVar[str] = (
        "POS (Yuan et al., CAV 2018): random priorities by step, drawn anew for steps that race"
    )

    def __init__(self) -> None:
        self._random = random.Random(0).random
        self._priority: dict[int, tuple[_Step, float]] = {}

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Take the schedule's generator; no step has a priority yet."""
        self._random = rng.random
        self._priority = {}

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The highest of them."""
        priorities = [self._of(candidate) for candidate in candidates]
        place = max(range(len(candidates)), key=priorities.__getitem__)
        picked = candidates[place]
        del self._priority[picked.lane]
        for candidate in candidates:
            if candidate.lane != picked.lane and races(picked, candidate):
                del self._priority[candidate.lane]
        return place

    def _of(self, candidate: Candidate) -> float:
        step = (candidate.op, candidate.ordinal)
        known = self._priority.get(candidate.lane)
        if known is None or known[0] != step:
            known = self._priority[candidate.lane] = (step, self._random())
        return known[1]

    def end(self, steps: int) -> None:
        """Nothing to learn."""
