"""Delay-bounded scheduling: a fixed order of the lanes, with a few random delays.

Emmi, Qadeer, Rakamaric: Delay-Bounded Scheduling, POPL 2011. A deterministic scheduler goes round: the
current lane runs until it cannot, then the next lane in the circle runs. A *delay* skips the lane whose
turn it is. With d delays among k steps there are O(k^d) schedules, for any number of lanes; most
flaws need very few delays.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.pct import draw_length
from harness.strategies.racing_pairs import is_inert
from harness.strategies.strategy import Strategy

__all__ = ["Delay"]

_DELAYS_MAX = 3


class Delay(Strategy):
    """Run lanes in a circle without preemption, except for d random delays.

    Args:
        delays: d; 0 to draw it from 1 to 3 for each schedule.
    """

    name: str = "delay"
    about: ClassVar[str] = (
        "delay-bounded (Emmi et al., POPL 2011): each lane runs to its end, then the next one, "
        "except for 1 to 3 delays; delay:D for D of them"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self, delays: int = 0) -> None:
        if delays:
            self.name = f"{type(self).name}:{delays}"
        self._fixed = delays
        self._remaining = Remaining(None)
        self._delays: list[int] = []
        self._lanes = 1
        self._lane = 0
        self._step = 0

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Use the expected number of visible steps: a delay before any other step changes nothing."""
        self._remaining = Remaining(forecast.visible if forecast is not None else None)

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw the lane that starts, the number of delays, and their steps."""
        self._lanes = lanes
        self._lane = int(rng.random() * lanes)
        count = self._fixed or 1 + int(rng.random() * _DELAYS_MAX)
        self._remaining.begin()
        length = draw_length(rng, self._remaining)
        self._delays = [int(rng.random() * length) for _ in range(count)]
        self._step = 0

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the lane whose turn it is, after the delays before this step."""
        place = self._next(candidates)
        if self._remaining.known and is_inert(candidates[place]):
            return place
        for _ in range(self._delays.count(self._step)):
            self._lane = (candidates[place].lane + 1) % self._lanes
            place = self._next(candidates)
        self._step += 1
        return place

    def _next(self, candidates: Sequence[Candidate]) -> int:
        """Return the first candidate in the circle, and give it the turn."""
        place = min(
            range(len(candidates)), key=lambda place: (candidates[place].lane - self._lane) % self._lanes
        )
        self._lane = candidates[place].lane
        return place

    def end(self, steps: int) -> None:
        """Do nothing: this strategy learns nothing from a schedule."""
