"""Define a strategy: it chooses which lane steps next, and knows nothing else.

A strategy sees candidates and answers with an index. It must draw from the generator that `begin`
gives it and from nothing else, so that a schedule is a function of the seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Protocol

from harness.model.gate import Candidate

__all__ = ["Strategy"]


class Strategy(Protocol):
    """Choose the lane of each step, schedule after schedule.

    A strategy that can use the expected lengths of the lanes has one more method, see
    `harness.strategies.forecast.UsesForecast`.

    Attributes:
        name: the name on the command line.
        about: one line, with the paper of the algorithm.
    """

    about: ClassVar[str]

    @property
    def name(self) -> str:
        """Return the name on the command line, with its argument."""

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start a schedule of `lanes` lanes; `rng` is seeded for this schedule alone."""

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the index of the candidate that steps next.

        Args:
            candidates: not empty. The lane that stepped last comes first if it can go on; the
                others follow in order. So 0 always means *no switch*.
        """

    def end(self, steps: int) -> None:
        """End the schedule after `steps` steps; a strategy may learn from it."""
