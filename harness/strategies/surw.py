"""SURW: uniform over the orders of the interesting steps.

Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025. The lane that
takes the next *interesting* step is drawn by the number of interesting steps that each lane still has.
Until it takes that step, the other lanes may go on up to their own next interesting step and no
further. With exact counts and no locks, every order of the interesting steps is equally likely,
however many other steps lie between them.

Steps on the transcript, on its lock, or on both (see `harness.strategies.racing_pairs.subject`) are
interesting; which of the three is drawn for each schedule, among those that differ. A flaw that shows
in a wide gap, such as while the model thinks, is one order in very many if every step counts, and one
in few if only steps on the lock count. For a flaw in the steps on the transcript it is the other way
round. If only one lane locks, the choice *lock* makes SURW a random walk.

Counts come from a forecast (`harness.explore.calibration`) and may be wrong. A lane that stands before
an interesting step counts for at least one. If the drawn lane cannot go and all others are at
interesting steps, one of those is drawn instead. So every lane stays reachable.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.model.native import mypyc_attr
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT, subject
from harness.strategies.strategy import Strategy

__all__ = ["Surw", "draw_by_weight"]

_NO_LANE = -1
#: The sets of interesting subjects; one is drawn for each schedule.
_BOTH = frozenset({TRANSCRIPT, LOCK})
_SUBJECTS = (_BOTH, frozenset({TRANSCRIPT}), frozenset({LOCK}))


def draw_by_weight(weights: Sequence[float], number: float) -> int:
    """Return a place with a chance in proportion to its weight; equal chances if all weights are 0.

    Args:
        weights: not empty, none negative.
        number: drawn from 0 to 1, 1 excluded.
    """
    total = sum(weights)
    if total <= 0.0:
        return int(number * len(weights))
    number *= total
    last = 0
    for place, weight in enumerate(weights):
        if weight > 0.0:
            last = place
            if number < weight:
                return place
            number -= weight
    return last


def _choices(forecast: Forecast | None) -> list[tuple[frozenset[str], Remaining]]:
    """Return the sets of subjects that some lane touches; transcript and lock without a forecast."""
    if forecast is None:
        return [(_BOTH, Remaining(None))]
    found = []
    seen: list[object] = []
    for subjects in _SUBJECTS:
        lengths = forecast.about(subjects)
        if any(any(lane) for lane in lengths) and lengths not in seen:
            seen.append(lengths)
            found.append((subjects, Remaining(lengths)))
    return found or [(_BOTH, Remaining(forecast.about(_BOTH)))]


@mypyc_attr(allow_interpreted_subclasses=True)
class Surw(Strategy):
    """Draw the lane of the next interesting step; other lanes may take steps that are not interesting."""

    name: ClassVar[str] = "surw"
    about: ClassVar[str] = (
        "SURW (Zhao et al., ASPLOS 2025): uniform over the orders of steps on transcript, lock, or both"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self) -> None:
        self._forecast: Forecast | None = None
        self._random = random.Random(0).random

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Use the expected counts of interesting steps."""
        self._forecast = forecast

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw which subjects are interesting in this schedule."""
        self._random = rng.random
        self._lanes = lanes
        self._intended = _NO_LANE
        choices = _choices(self._forecast)
        self._subjects, self._remaining = choices[int(rng.random() * len(choices))]

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Return the drawn lane, or a lane whose next step is not interesting."""
        for candidate in candidates:
            self._remaining.observe(candidate)
        if self._intended == _NO_LANE:
            self._intended = self._draw_lane(candidates)
        allowed = self._allowed(candidates)
        if not allowed:
            # The drawn lane waits for another one, or ended sooner than forecast.
            weights = [self._weight(candidate) for candidate in candidates]
            allowed = [draw_by_weight(weights, self._random())]
        place = allowed[int(self._random() * len(allowed))] if len(allowed) > 1 else allowed[0]
        picked = candidates[place]
        if subject(picked) in self._subjects:
            self._remaining.count_step(picked)
            self._intended = _NO_LANE
        return place

    def _allowed(self, candidates: Sequence[Candidate]) -> list[int]:
        return [
            place
            for place, candidate in enumerate(candidates)
            if candidate.lane == self._intended or subject(candidate) not in self._subjects
        ]

    def _draw_lane(self, candidates: Sequence[Candidate]) -> int:
        """Return the lane of the next interesting step; lanes that wait now may be drawn, too."""
        weights = [self._remaining.left(lane) for lane in range(self._lanes)]
        for candidate in candidates:
            weights[candidate.lane] = self._weight(candidate)
        return draw_by_weight(weights, self._random())

    def _weight(self, candidate: Candidate) -> float:
        left = self._remaining.left(candidate.lane)
        return max(1.0, left) if subject(candidate) in self._subjects else left

    def end(self, steps: int) -> None:
        """Do nothing: a schedule must not depend on those before it."""
