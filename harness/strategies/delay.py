"""Delay-bounded scheduling: a plain order, and a few places where it is left.

Emmi, Qadeer, Rakamaric: Delay-Bounded Scheduling, POPL 2011. A deterministic
scheduler goes round: the current lane runs until it cannot, then the next one in a
circle. A *delay* skips the lane whose turn it is. With d delays among k steps there
are O(k^d) schedules, whatever the number of lanes; most flaws need very few.
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
    """Round robin without preemption, left at d places that are drawn.

    Args:
        delays: d; 0 to draw it from 1 to 3 for each schedule.
    """

    name: str = "delay"
    about: ClassVar[str] = (
        "delay-bounded (Emmi et al., POPL 2011): lanes run to their end in a circle, "
        "but for 1 to 3 delays; delay:D for D of them"
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
        """Take the number of steps before which a delay makes sense."""
        self._remaining = Remaining(forecast.visible if forecast is not None else None)

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw who starts, how many delays there are, and where."""
        self._lanes = lanes
        self._lane = int(rng.random() * lanes)
        count = self._fixed or 1 + int(rng.random() * _DELAYS_MAX)
        self._remaining.begin()
        length = draw_length(rng, self._remaining)
        self._delays = [int(rng.random() * length) for _ in range(count)]
        self._step = 0

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """The lane whose turn it is, after the delays before this step."""
        place = self._next(candidates)
        if self._remaining.known and is_inert(candidates[place]):
            return place
        for _ in range(self._delays.count(self._step)):
            self._lane = (candidates[place].lane + 1) % self._lanes
            place = self._next(candidates)
        self._step += 1
        return place

    def _next(self, candidates: Sequence[Candidate]) -> int:
        """The first in the circle that can go, and the turn is its own."""
        place = min(
            range(len(candidates)), key=lambda place: (candidates[place].lane - self._lane) % self._lanes
        )
        self._lane = candidates[place].lane
        return place

    def end(self, steps: int) -> None:
        """Nothing to learn."""
