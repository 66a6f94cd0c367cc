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
        family_size: how many schedules learn from each other, see `family`; 1 where none does.
    """

    about: ClassVar[str]
    sees_own_steps: ClassVar[bool] = False
    uses_forecast: ClassVar[bool] = False
    family_size: int = 1

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

    def family(self, index: int) -> range:
        """Return the numbers of the schedules that may learn from each other, with this one among them.

        They all run the program of the first of them. Each may depend on those before it in the family and
        on no others, so that a schedule remains a function of its number.
        """
        first = index - index % self.family_size
        return range(first, first + self.family_size)

    def missing(self, index: int) -> range:
        """Return the schedules of the family that have to run before this one does, in order.

        None are missing where they were the last ones that ran, or where the strategy does not learn.
        """
        return range(index, index)

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Take what the next schedules' lanes are expected to do; None where that is not known."""
        return  # without a body a type checker takes the method for abstract
