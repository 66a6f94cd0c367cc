"""What a strategy is: it picks which lane steps next, and knows nothing else.

A strategy sees candidates and answers with an index. It must draw from the
generator that `begin` hands it and from nothing else, so that a schedule is a
function of the seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Protocol

from harness.model.gate import Candidate

__all__ = ["Strategy"]


class Strategy(Protocol):
    """Picks, schedule after schedule.

    One that can make use of knowing how long lanes will go on has a method more, see
    `harness.strategies.forecast.Foresighted`.

    Attributes:
        name: as on the command line.
        about: one line, with the paper it comes from.
    """

    about: ClassVar[str]

    @property
    def name(self) -> str:
        """As on the command line, with its argument."""

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Start a schedule of `lanes` lanes; `rng` is seeded for it alone."""

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Index of the candidate that steps next.

        Args:
            candidates: not empty; the lane that stepped last comes first when it can
                go on, the others follow in order, so that 0 always means *no switch*.
        """

    def end(self, steps: int) -> None:
        """The schedule is over after `steps` steps; a strategy may learn from it."""
