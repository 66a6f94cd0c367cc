"""SURW: uniform over the orders of the steps that matter.

Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS
2025. Which lane takes the next *interesting* step is drawn by the number of interesting
steps that each lane still has. Until it is taken, the others may go on up to their own
next interesting step and no further. With exact counts and no locks every order of the
interesting steps is equally likely, however many other steps lie between them.

Interesting are the steps on the transcript, on its lock, or on both (see
`harness.strategies.racing_pairs.subject`); which of the three is drawn for each schedule among those
that differ. A flaw that shows in a wide gap, as while the model thinks, is one order in
very many when every step counts, and one in few when only the steps on the lock do;
with a flaw in the transcript's own steps it is the other way round. Where a single lane
locks, drawing the lock makes it a random walk.

Counts come from a forecast (`harness.explore.calibration`) and may be wrong. A lane that
stands before an interesting step always counts for one at least, and where the lane
that was drawn cannot go and all others are at interesting steps, one of those is drawn
in its place: every lane stays reachable.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

from harness.model.gate import Candidate
from harness.strategies.forecast import Forecast, Remaining
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT, subject
from harness.strategies.strategy import Strategy

__all__ = ["Surw", "draw_by_weight"]

_NOBODY = -1
#: What may be interesting, one of them a schedule.
_BOTH = frozenset({TRANSCRIPT, LOCK})
_SUBJECTS = (_BOTH, frozenset({TRANSCRIPT}), frozenset({LOCK}))


def draw_by_weight(weights: Sequence[float], number: float) -> int:
    """A place, with a chance in proportion to its weight; any of them when all weights are 0.

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
    """Each thing that some lane has to do with; transcript and lock where nothing is known."""
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


class Surw(Strategy):
    """Draws the lane of the next interesting step, and lets the others go as far as that allows."""

    name: ClassVar[str] = "surw"
    about: ClassVar[str] = (
        "SURW (Zhao et al., ASPLOS 2025): uniform over the orders of steps on transcript, lock, or both"
    )
    uses_forecast: ClassVar[bool] = True

    def __init__(self) -> None:
        self._forecast: Forecast | None = None
        self._random = random.Random(0).random

    def set_forecast(self, forecast: Forecast | None) -> None:
        """Take the counts of interesting steps."""
        self._forecast = forecast

    def begin(self, rng: random.Random, lanes: int) -> None:
        """Draw what is interesting this time; nobody's turn has come yet."""
        self._random = rng.random
        self._lanes = lanes
        self._intended = _NOBODY
        choices = _choices(self._forecast)
        self._subjects, self._remaining = choices[int(rng.random() * len(choices))]

    def pick(self, candidates: Sequence[Candidate]) -> int:
        """Somebody whose next step does not matter, or the lane whose turn it is."""
        for candidate in candidates:
            self._remaining.stands(candidate)
        if self._intended == _NOBODY:
            self._intended = self._drawn(candidates)
        free = self._free(candidates)
        if not free:
            # The lane that was drawn waits for somebody, or is over sooner than was thought.
            weights = [self._weight(candidate) for candidate in candidates]
            free = [draw_by_weight(weights, self._random())]
        place = free[int(self._random() * len(free))] if len(free) > 1 else free[0]
        picked = candidates[place]
        if subject(picked) in self._subjects:
            self._remaining.took(picked)
            self._intended = _NOBODY
        return place

    def _free(self, candidates: Sequence[Candidate]) -> list[int]:
        return [
            place
            for place, candidate in enumerate(candidates)
            if candidate.lane == self._intended or subject(candidate) not in self._subjects
        ]

    def _drawn(self, candidates: Sequence[Candidate]) -> int:
        """Whose interesting step comes next: of all lanes, for who sleeps now may be first all the same."""
        weights = [self._remaining.left(lane) for lane in range(self._lanes)]
        for candidate in candidates:
            weights[candidate.lane] = self._weight(candidate)
        return draw_by_weight(weights, self._random())

    def _weight(self, candidate: Candidate) -> float:
        left = self._remaining.left(candidate.lane)
        return max(1.0, left) if subject(candidate) in self._subjects else left

    def end(self, steps: int) -> None:
        """Nothing to learn: a schedule must not depend on those before it."""
