"""Define a strategy: it chooses which lane steps next, and knows nothing else.

A strategy sees candidates and answers with an index. It must draw from the generator that `begin`
gives it and from nothing else, so that a schedule is a function of the seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar, Protocol

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast

__all__ = ["Strategy"]


class Strategy(Protocol):
    """Choose the lane of each step, schedule after schedule.

    A strategy derives from this class: `part` and `set_forecast` are optional and have defaults here.

    Attributes:
        name: as on the command line.
        about: one line, with the paper it comes from.
        sees_own_steps: whether it is asked about steps in a directory where no other lane has been.
            A strategy that follows a schedule or searches all of them has to be; one that samples need not.
        uses_forecast: whether `set_forecast` makes a difference; a forecast costs some schedules.
    """

    about: ClassVar[str]
    sees_own_steps: ClassVar[bool] = False
    uses_forecast: ClassVar[bool] = False

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
        """The schedule is over after `steps` steps; a strategy may learn from it."""

    def part(self, index: int) -> Strategy:
        """Return the strategy that runs the schedule of this number: this one, unless it has parts."""
        return self

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Take what the next schedules' lanes are expected to do; None where that is not known."""
        return  # without a body a type checker takes the method for abstract
