"""URW: uniform over whole schedules, as far as the lanes' lengths are known.

This is the uniform walk from which SURW (Zhao, Wolff, Mathur, Roychoudhury, ASPLOS 2025) is made. A
lane goes next with a chance in proportion to the steps that it still has. With exact lengths and no
locks each interleaving is equally likely.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.strategy import Strategy
from harness.strategies.surw import draw_by_weight

__all__ = ["Urw"]


class Urw(Strategy):
    """Draw lanes by the number of steps that each still has; all kinds of steps count."""

    name: ClassVar[str] = "urw"
    about: ClassVar[str] = (
        "URW (Zhao et al., ASPLOS 2025): uniform over schedules, lanes weigh by the steps they have left"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self) -> None:
        self._remaining = Remaining(None)
        self._random = random.Random(0).random

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Use the expected lengths of the lanes."""
        self._remaining = Remaining(forecast.steps if forecast is not None else None)

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Use the schedule's generator."""
        self._random = rng.random
        self._remaining.begin()

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return a lane drawn by its remaining steps; each candidate has at least one left."""
        remaining = self._remaining
        for candidate in candidates:
            remaining.observe(candidate)
        weights = [max(1.0, remaining.left(candidate.lane)) for candidate in candidates]
        place = draw_by_weight(weights, self._random())
        remaining.count_step(candidates[place])
        return place

    def end(self, steps: int) -> None:
        """Do nothing: a schedule must not depend on those before it."""
