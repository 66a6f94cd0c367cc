"""Events of a schedule as a strategy sees them, and which of them are rare among some schedules.

There are two kinds of events: a lane takes a certain step, and a lane takes a step on a file that another
lane was the last to change. The second kind says which of the others' changes a lane has seen; two
schedules with the same events of this kind are mostly of one trace class
(`harness.results.trace_class`), and unlike classes such events can be reached one by one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from harness.model.gate import Candidate
from harness.strategies.racing_pairs import is_inert, names_of
from harness.strategies.surw import draw_by_weight

__all__ = ["Memory", "Trace"]

#: An event is rare if at most this share of the schedules has it.
_RARE = 0.5
#: Lane, operation and ordinal of a step.
_Place = tuple[int, int, int]


class Trace:
    """One schedule: its lanes step by step, and where each event came first.

    Attributes:
        lanes: the lane of each step.
        first: number of steps up to an event, with it, by event.
    """

    def __init__(self) -> None:
        self.lanes: list[int] = []
        self.first: dict[object, int] = {}
        self._changed_by: dict[str, _Place] = {}

    def add(self, step: Candidate) -> None:
        """Add a step."""
        self.lanes.append(step.lane)
        place = step.lane, step.op, step.ordinal
        count = len(self.lanes)
        self.first.setdefault((place, step.call, step.path), count)
        if is_inert(step):
            return
        for name in names_of(step.path):
            before = self._changed_by.get(name)
            if before is None or before[0] != step.lane:
                self.first.setdefault((before, place, name), count)
            if step.writes:
                self._changed_by[name] = place


class Memory:
    """Some schedules of one program, and how many of them had each event."""

    def __init__(self) -> None:
        self._count = 0
        self._having: dict[object, list[Trace]] = {}

    def learn(self, trace: Trace) -> None:
        """Add a schedule."""
        self._count += 1
        for event in trace.first:
            self._having.setdefault(event, []).append(trace)

    def draw(self, rng: random.Random, step_back: float) -> Sequence[int]:
        """Return the lanes of an earlier schedule, step by step up to a rare event or a little less.

        The event is drawn by the inverse square of how many schedules had it, the schedule evenly among
        those.

        Args:
            rng: of the schedule that is to begin so.
            step_back: chance of leaving out the last step, and then the one before it, and so on.

        Returns:
            No lanes where nothing is rare.
        """
        rare = [event for event, having in self._having.items() if len(having) <= _RARE * self._count]
        if not rare:
            return ()
        weights = [1 / len(self._having[event]) ** 2 for event in rare]
        event = rare[draw_by_weight(weights, rng.random())]
        having = self._having[event]
        trace = having[int(rng.random() * len(having))]
        count = trace.first[event]
        while count and rng.random() < step_back:
            count -= 1
        return trace.lanes[:count]
