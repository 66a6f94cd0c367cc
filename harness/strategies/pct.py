"""PCT: random priorities with a few priority changes.

Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of
Finding Bugs, ASPLOS 2010. A bug of depth d among n lanes and k steps is found with probability at least
1 / (n * k^(d-1)).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.racing_pairs import is_inert
from harness.strategies.strategy import Strategy

__all__ = ["Pct", "draw_length"]

_FIRST_LENGTH = 32
#: A forecast is a mean; change points must reach the end of longer schedules, too.
_MARGIN = 1.25


def draw_length(rng: random.Random, remaining: Remaining) -> int:
    """Return the length k of a schedule in steps: the forecast, or a random one if there is none.

    A random length is a power of two, so that a schedule is a function of its seed alone and not of
    the schedules before it. That costs a factor of at most the number of powers.
    """
    if remaining.known:
        return 1 + int(remaining.total() * _MARGIN)
    return _FIRST_LENGTH << int(rng.random() * 3)


class Pct(Strategy):
    """Run the lane of highest priority until a change point drops it below all others.

    With a forecast, only steps that another lane can notice are counted: a change before any other
    step has the same effect as a change before the next visible one.

    Args:
        depth: d; change points are d - 1. 0 to draw 2 or 3 for each schedule.
    """

    name: str = "pct"
    about: ClassVar[str] = (
        "PCT (Burckhardt et al., ASPLOS 2010): random priorities, depth 2 and 3 in turn; pct:D for depth D"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self, depth: int = 0) -> None:
        if depth:
            self.name = f"{type(self).name}:{depth}"
        self._fixed_depth = depth
        self._remaining = Remaining(None)
        self._priority: list[float] = []
        self._changes: list[int] = []
        self._step = 0

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Use the expected number of visible steps: a change before any other step adds nothing."""
        self._remaining = Remaining(forecast.visible if forecast is not None else None)

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw the length, the priorities and the change points."""
        order = list(range(lanes))
        for i in range(lanes - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            order[i], order[j] = order[j], order[i]
        depth = self._fixed_depth or 2 + int(rng.random() * 2)
        self._priority = [0.0] * lanes
        for rank, lane in enumerate(order):
            self._priority[lane] = depth + rank
        self._remaining.begin()
        length = draw_length(rng, self._remaining)
        # The i-th change point gives its lane priority d - i, below all the initial ones.
        self._changes = [int(rng.random() * length) for _ in range(depth - 1)]
        self._depth = depth
        self._step = 0

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the candidate of highest priority, after the change points of this step."""
        priority = self._priority
        best = max(range(len(candidates)), key=lambda i: priority[candidates[i].lane])
        if self._remaining.known and is_inert(candidates[best]):
            return best
        for number, change in enumerate(self._changes, 1):
            if change == self._step:
                priority[candidates[best].lane] = self._depth - 1 - number + 0.5
                best = max(range(len(candidates)), key=lambda i: priority[candidates[i].lane])
        self._step += 1
        return best

    def end(self, steps: int) -> None:
        """Do nothing: a schedule must not depend on those before it, see `draw_length`."""
