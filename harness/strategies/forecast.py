"""Forecast how many steps each lane still has in a schedule.

Strategies that sample schedules evenly have to know how long each lane will run.
`harness.explore.calibration` makes a forecast for a program. A `Remaining` follows one schedule and
corrects the forecast when lanes come to their next operations, so that a wrong length of one operation
does not affect the others.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Collection, Sequence

from harness.model.gate import Candidate
from harness.strategies.racing_pairs import LOCK, TRANSCRIPT

__all__ = ["Forecast", "Remaining"]

Lengths = Sequence[Sequence[float]]


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The expected number of steps by lane and operation.

    Args:
        steps: all steps, also those that think or sleep.
        visible: steps that another lane can notice (not `harness.strategies.racing_pairs.is_inert`).
        transcript: steps on the transcript (see `harness.strategies.racing_pairs.subject`).
        lock: steps on its write lock.
    """

    steps: Lengths
    visible: Lengths
    transcript: Lengths
    lock: Lengths

    def about(self, subjects: Collection[str]) -> Lengths:
        """Return the expected steps on any of some subjects."""
        chosen = [
            lengths
            for name, lengths in ((TRANSCRIPT, self.transcript), (LOCK, self.lock))
            if name in subjects
        ]
        return [[sum(op) for op in zip(*lanes, strict=True)] for lanes in zip(*chosen, strict=True)]


class Remaining:
    """The number of steps of one class that each lane still has.

    Args:
        lengths: expected steps by lane and operation; None if nothing is known: then each lane always
            has one step left.
    """

    def __init__(self, lengths: Lengths | None) -> None:
        self._lengths = lengths
        if lengths is not None:
            #: By lane: the steps after operation i, at place i + 1.
            self._after = [[*itertools.accumulate(reversed(lane), initial=0.0)][::-1] for lane in lengths]
        self.begin()

    def begin(self) -> None:
        """Start a schedule."""
        count = 0 if self._lengths is None else len(self._lengths)
        self._op = [-1] * count
        self._done = [0] * count

    @property
    def known(self) -> bool:
        """Return whether there is a forecast."""
        return self._lengths is not None

    def left(self, lane: int) -> float:
        """Return the expected steps of the lane, at least 0; the lane may still have some if it is 0."""
        if self._lengths is None:
            return 1.0
        op = self._op[lane]
        after = self._after[lane]
        if op < 0:
            return after[0]
        if op >= len(self._lengths[lane]):
            return 0.0
        return after[op + 1] + max(0.0, self._lengths[lane][op] - self._done[lane])

    def total(self) -> float:
        """Return the expected steps of all lanes together."""
        return 0.0 if self._lengths is None else sum(self.left(lane) for lane in range(len(self._lengths)))

    def observe(self, candidate: Candidate) -> None:
        """Note that the lane is about to step in this operation: its earlier operations are over."""
        if self._lengths is not None and candidate.op > self._op[candidate.lane]:
            self._op[candidate.lane] = candidate.op
            self._done[candidate.lane] = 0

    def count_step(self, candidate: Candidate) -> None:
        """Count a step of this class."""
        if self._lengths is not None:
            self.observe(candidate)
            self._done[candidate.lane] += 1
